"""Common French given names, so that a name is known where the model misses it; one a word, any case.

Words that are more often something else in a note (Aimé, Constant, Blanche, Rose, Marguerite, Claire) are
left out.
"""

_NAMES = """
    abdel adam adèle adeline adrien agathe agnès ahmed aïcha alain alban albert alexandra alexandre
    alexis alice aline alix alphonse amadou amandine amélie amina amine anaïs anatole andré andrée anne
    annick annie anthony antoine antoinette antonin apolline ariane armand armelle arnaud arthur astrid
    aude audrey augustin aurélie aurélien auriane aurore axel aymeric bachir baptiste barbara bastien
    béatrice benjamin benoît bernadette bernard bérénice bertrand boris brahim brigitte bruno camille
    carine carole caroline catherine cécile cédric céline chantal charles charlotte chloé christelle
    christian christiane christine christophe claude claudette claudie claudine clément clémence
    clotilde colette coline constance corentin corinne cyril cyrille damien daniel danièle danielle
    david deborah delphine denis denise diane didier dominique dorian dorothée edgar edith edmond
    édouard edwige élodie éléonore éliane élisa élisabeth élise ella elsa émeline émile émilie émilien
    emma emmanuel emmanuelle enzo éric erwan estelle esther étienne eugène eugénie eva évelyne fabien
    fabienne fabrice fanny farid fatima fatou fernand fernande fiona flavie florence florent florian
    france francis francine franck françois françoise frédéric frédérique gabin gabriel gabrielle gaël
    gaëlle gaston gaëtan geneviève geoffrey georges georgette gérald géraldine gérard germain germaine
    ghislain ghislaine gilbert gilles ginette gisèle grégoire grégory guillaume gustave guy gwenaëlle
    habib hadrien hamza hassan héléna hélène henri henriette hervé hortense hubert hugo hugues ibrahim
    ilan ilona inès ingrid irène isaac isabelle ismaël jacqueline jacques jamel jean jeanne jeannine
    jennifer jérémie jérémy jérôme jessica joachim joël joëlle johanna jonathan jordan joseph joséphine
    josette joris josiane juan judith jules julia julie julien juliette justin justine kamel karim
    karima karine katia kevin khadija laetitia lara laura laure laurence laurent laurine léa léna léo
    léon léonard léonie liliane lilian lina lionel lisa loïc lola lorenzo louane louis louise loïs luc
    lucas lucette lucie lucien lucienne ludivine ludovic lydia lydie maël maëlle maëlys magali malika
    manon marc marcel marcelle margaux margot maria marianne marie marine marion marius marjorie martin
    martine martial maryse maryline mathéo mathias mathieu mathilde mathis matthieu maud maurice maxence
    maxime maximilien mehdi mélanie mélissa mickaël michaël michel michèle michelle mireille mohamed
    mohammed monique morgane mouna mourad moussa myriam nadège nadia nadine naïma natacha nathalie
    nathan nicolas nicole nina noé noémie noël noëlle nora odette odile olga olivia olivier omar oscar
    pascal pascale patrice patricia patrick paul paule paulette pauline perrine philippe pierre
    pierrette quentin rachel rachid raoul raphaël raymond raymonde régine régis rémi rémy renaud rené
    renée richard robert roberte robin rodolphe rodrigue roger roland romain romane roméo rosalie
    roselyne sabine sabrina said salomé samia samir samuel sandra sandrine sarah sébastien serge
    séverine simon simone sofia solange solène sonia sophia sophie stéphane stéphanie suzanne sylvain
    sylvaine sylvette sylvia sylvie sylviane tanguy tatiana théo théodore thérèse thibault thibaut
    thibaud thierry thomas timothée tiphaine tristan ugo valentin valentine valérie vanessa véronique
    vincent victor victoire victoria virginie viviane vivien william xavier yacine yann yannick yasmina
    yasmine yassine yoann yohan yolande yvan yves yvette yvon yvonne zacharie zinedine zoé
"""
FRENCH_GIVEN_NAMES = frozenset(_NAMES.split())
