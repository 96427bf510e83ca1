"""Who acts, and with which roles (PROTOCOLS section 6)."""

import pytest

from lakehouse.core.actors import DEFAULT_ACTORS, PERMISSIONS, Actor, Role, parse_actors, resolve_actor
from lakehouse.errors import ContractError, NotAllowed

TWO_ACCOUNTS = parse_actors(
    {
        "roles": {"ada": ["engineer"], "dara": ["dpo", "auditor"]},
        "accounts": {"ada": ["ada"], "shared": ["ada", "dara"]},
    },
    "site.toml",
)


def test_the_owner_of_the_home_acts_with_all_roles():
    actor = resolve_actor(DEFAULT_ACTORS, "kim", owner="kim")
    assert (actor.name, actor.roles) == ("kim", set(Role))


def test_an_auditor_reads_what_reviewers_read_and_changes_nothing():
    """Nor does the role add anything to what the owner of a home could do without it."""
    auditor = resolve_actor(DEFAULT_ACTORS, "kim", "auditor", owner="kim")
    may = {verb for verb in PERMISSIONS if auditor.may(verb)}
    reading = {"fsck", "log", "metrics", "report", "openings"}
    everyone = {verb for verb, roles in PERMISSIONS.items() if roles == frozenset(Role)}
    dpo = resolve_actor(DEFAULT_ACTORS, "kim", "dpo", owner="kim")
    assert may == reading | everyone
    assert may <= {verb for verb in PERMISSIONS if dpo.may(verb)}


def test_a_chosen_name_has_only_its_own_role_and_keeps_the_account():
    actor = resolve_actor(DEFAULT_ACTORS, "kim", "analyst", owner="kim")
    assert (actor.name, actor.roles, actor.account) == ("analyst", {Role.ANALYST}, "kim")


def test_another_account_has_no_role():
    with pytest.raises(NotAllowed, match="'eve' has no role"):
        resolve_actor(DEFAULT_ACTORS, "eve", owner="kim")


def test_a_name_of_another_account_is_refused():
    with pytest.raises(NotAllowed, match="may not act as 'dara'") as refused:
        resolve_actor(TWO_ACCOUNTS, "ada", "dara")
    assert refused.value.remedy == "names of this account: ada"


def test_an_account_that_shares_a_name_acts_under_that_name():
    assert resolve_actor(TWO_ACCOUNTS, "ada", "ada").account is None


def test_an_analyst_may_ask_and_may_not_approve():
    analyst = resolve_actor(DEFAULT_ACTORS, "kim", "analyst", owner="kim")
    assert analyst.require("ask") is analyst
    with pytest.raises(NotAllowed, match="needs the role dpo") as refused:
        analyst.require("approve")
    assert refused.value.exit_code == 4


def test_every_verb_is_open_to_some_role():
    assert all(PERMISSIONS.values())


def test_an_unknown_verb_is_never_allowed_silently():
    everything = Actor(name="kim", roles=frozenset(Role), authenticated="os")
    with pytest.raises(KeyError):
        everything.require("aprove")


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"role": {}}, "actors.role"),
        ({"roles": {"ada": ["boss"]}}, "actors.roles.ada"),
        ({"roles": {"ada": "engineer"}}, "actors.roles.ada"),
        ({"accounts": {"ada": ["nobody"]}}, "actors.accounts.ada"),
        ({"accounts": []}, "actors.accounts"),
    ],
)
def test_a_mistake_in_the_site_file_names_its_key(section, key):
    with pytest.raises(ContractError) as refused:
        parse_actors(section, "site.toml")
    assert refused.value.facts["key"] == key
