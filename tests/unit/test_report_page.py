"""A lineage report: what it says, that it stands alone, and that no value can break out of it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from report_facts import CONTRACTS, OPEN, PEOPLE, WALKS, open_facts, people_facts, site_facts

from lakehouse.adapters.flow_layout import BOX_HEIGHT, BOX_WIDTH, place_boxes
from lakehouse.adapters.report_html import render_page
from lakehouse.core.report import Flow, FlowNode, masked_count, moment
from lakehouse.core.report_flow import version_flow
from lakehouse.core.report_overviews import SiteRows, run_page, site_page
from lakehouse.core.report_pages import table_page

ATTACK = "</script><script>alert(1)</script>"


class PageReader(HTMLParser):
    """Collects text, elements and what a page would load."""

    def __init__(self, html):
        super().__init__()
        self.text, self.loads, self.tags, self.open = "", [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)
        self.loads += [value for name, value in attrs if name in {"src", "srcset", "data", "poster"}]
        self.loads += [value for name, value in attrs if name in {"href", "xlink:href"} and value[:1] != "#"]

    def handle_endtag(self, tag):
        self.text += " "
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text += data


def linked_data_of(html):
    return json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)[1])


def page_text(page):
    return re.sub(r"\s+", " ", PageReader(render_page(page)).text)


@pytest.mark.parametrize(
    "sentence",
    [
        "silver.people@0",
        "167 received = 165 accepted + 2 set aside",
        "the person is unknown in the table it must link to",
        "converted to one unit",
        "answers with noise only",
        "0 of 1 checks passed",
        "min value 0, max value 120",
        "GDPR Art. 9(2)(j)",
        "manual__1",
        "livinglab verify silver-people-0.proof.json --trust trust.json",
        "bronze.walks is made from gaitpdb.",
    ],
)
def test_a_report_says(sentence):
    assert sentence in page_text(table_page(people_facts()))


def test_a_report_loads_nothing():
    page = PageReader(render_page(table_page(people_facts())))
    assert page.loads == []
    assert {"link", "img", "iframe", "object"}.isdisjoint(page.tags)
    assert page.tags.count("script") == 1


def test_the_check_for_loading_catches_a_page_that_does():
    assert PageReader('<img src="https://x.example/a.png"><a href="https://x.example">').loads


def test_no_name_can_break_out_of_the_page():
    silver = replace(CONTRACTS.by_table["silver.people"], description=ATTACK, title=ATTACK)
    html = render_page(table_page(replace(people_facts(name=ATTACK), contract=silver)))
    assert "alert(1)</script>" not in html
    assert linked_data_of(html)["@graph"][0]["dct:description"] == ATTACK


def test_linked_data_names_inputs_purpose_and_measures():
    entity = linked_data_of(render_page(table_page(people_facts())))["@graph"][0]
    assert entity["prov:wasDerivedFrom"] == ["urn:livinglab:00ff:leaf:0"]
    assert entity["dpv:hasPurpose"][0]["rdfs:label"] == "Scientific research"
    assert "dpv:Pseudonymisation" in entity["dpv:hasTechnicalMeasure"]


def test_a_gold_report_shows_what_was_measured_and_masks_small_counts():
    text = page_text(table_page(open_facts()))
    assert "k 6 at least 5 holds" in text
    assert "fewer than 5" in text


def test_a_published_page_tells_no_small_count_and_no_size_of_inner_tables():
    left_out = {"name": "rows left out", "measured": "2 of 161", "limit": "at most 0.05", "holds": True}
    html = render_page(table_page(open_facts(facts={"facts": [left_out]})))
    assert "rows left out fewer than 5 of about 160" in re.sub(r"\s+", " ", PageReader(html).text)
    assert "165" not in html and "2,541,934" not in html and "2541934" not in html


def test_a_page_for_the_decision_tells_the_exact_counts():
    left_out = {"name": "rows left out", "measured": "2 of 161", "limit": "at most 0.05", "holds": True}
    assert "2 of 161" in page_text(table_page(open_facts(state="SUBMITTED", facts={"facts": [left_out]})))


def test_a_release_that_waits_says_so_first():
    page = table_page(open_facts(state="SUBMITTED", reasons=["3 cells below 5 people"]))
    assert "waits for the decision" in page.lead
    assert page.confidential
    assert "3 cells below 5 people" in page_text(page)


def test_bronze_and_silver_reports_are_marked_internal():
    assert "not for publication" in page_text(table_page(people_facts()))
    assert "not for publication" not in page_text(table_page(open_facts()))


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0"), (1, "fewer than 5"), (4, "fewer than 5"), (7, "about 5"), (163, "about 165")],
)
def test_counts_of_people_are_rounded_and_small_ones_masked(count, shown):
    assert masked_count(count, 5, 5) == shown


def test_times_are_readable():
    assert moment("2026-11-22T10:00:00Z") == "2026-11-22 10:00:00 UTC"


def test_a_run_report_lists_what_it_wrote_and_set_aside():
    text = page_text(run_page(site_facts(), "manual__1", [PEOPLE], [WALKS, PEOPLE]))
    assert "manual__1" in text and "silver.people@0" in text and "unlinked_person" in text


def test_a_site_report_holds_the_legal_bases_and_the_budget():
    rows = SiteRows(versions=[WALKS, PEOPLE, OPEN], ancestry=[WALKS, PEOPLE, OPEN], answers=1)
    text = page_text(site_page(site_facts(), rows))
    assert "GDPR Art. 9(2)(a): explicit consent" in text
    assert "gait 5.0 0.5 4.5" in text


def test_every_version_stands_right_of_what_it_is_made_from():
    flow = version_flow([WALKS, PEOPLE, OPEN], CONTRACTS, frozenset({2}))
    stage = {node.title: node.stage for node in flow.nodes}
    assert stage == {"gaitpdb": 0, "bronze.walks": 1, "silver.people": 2, "gold.open": 3}
    assert [node.title for node in flow.nodes if node.focus] == ["gold.open"]


@pytest.mark.parametrize("upright", [False, True])
def test_boxes_do_not_overlap(upright):
    nodes = tuple(FlowNode(key=str(n), stage=n % 3, title=str(n)) for n in range(9))
    edges = tuple((str(n), str(n + 1)) for n in range(8) if n % 3 < 2)
    layout = place_boxes(Flow(nodes=nodes, edges=(*edges, ("0", "2"))), upright=upright)
    centres = [layout.centres[node.key] for node in nodes]
    for index, (x, y) in enumerate(centres):
        for other_x, other_y in centres[:index]:
            assert abs(x - other_x) >= BOX_WIDTH or abs(y - other_y) >= BOX_HEIGHT


def test_a_long_edge_bends_around_the_boxes_between():
    nodes = tuple(FlowNode(key=key, stage=stage, title=key) for stage, key in enumerate("abc"))
    layout = place_boxes(Flow(nodes=nodes, edges=(("a", "b"), ("b", "c"), ("a", "c"))), upright=False)
    bend = next(chain for chain in layout.chains if len(chain) == 3)[1]
    assert abs(layout.centres[bend][1] - layout.centres["b"][1]) > BOX_HEIGHT / 2


def test_edges_of_pairs_do_not_cross():
    pairs = [("a", "4"), ("b", "3"), ("c", "2"), ("d", "1")]
    nodes = tuple(
        FlowNode(key=key, stage=stage, title=key) for pair in pairs for stage, key in enumerate(pair)
    )
    centres = place_boxes(Flow(nodes=nodes, edges=tuple(pairs)), upright=False).centres
    assert all(centres[left][1] == centres[right][1] for left, right in pairs)


def test_a_report_is_the_same_each_time():
    assert render_page(table_page(people_facts())) == render_page(table_page(people_facts()))
