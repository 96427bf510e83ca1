// The panel on Airflow's home page. Airflow imports this file and renders `AirflowPlugin`; React, the
// router and the theme's colours are Airflow's own. Facts come from livinglab/dashboard.json, signed in
// by the session cookie. Every text is a text node: nothing that is fetched becomes markup.
(function () {
  "use strict";
  const React = globalThis.React;
  const h = React.createElement;
  const REFRESH_MS = 30000;
  const FACTS = "livinglab/dashboard.json";
  const COMPLIANCE = "plugin/compliance";

  const STYLE = `
.livinglab { --ll-ink: var(--chakra-colors-fg, CanvasText); --ll-quiet: var(--chakra-colors-fg-muted, GrayText);
  --ll-line: var(--chakra-colors-border, ButtonBorder); --ll-link: #1a4fa3; --ll-warn: #8a4b00; --ll-bad: #a3231f;
  --ll-good: #17663c; --ll-fill: rgba(128, 128, 128, .08);
  color: var(--ll-ink); border: 1px solid var(--ll-line); border-radius: 8px; padding: 16px 18px 18px; margin: 8px 0 16px;
  font-size: 14px; line-height: 1.5; }
.dark .livinglab { --ll-link: #8fc2ff; --ll-warn: #f2c46b; --ll-bad: #ff9f97; --ll-good: #84dba8; }
.livinglab h2 { font-size: 18px; font-weight: 650; margin: 0; }
.livinglab h3 { font-size: 14px; font-weight: 650; margin: 0 0 6px; }
.livinglab a { color: var(--ll-link); text-decoration: underline; text-underline-offset: 2px; }
.livinglab a:focus-visible { outline: 2px solid currentcolor; outline-offset: 2px; border-radius: 2px; }
.livinglab .top { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 16px; align-items: baseline; }
.livinglab .quiet { color: var(--ll-quiet); margin: 0; overflow-wrap: anywhere; }
.livinglab dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(118px, 1fr)); gap: 10px; margin: 12px 0 0; }
.livinglab dl > div { background: var(--ll-fill); border-radius: 6px; padding: 8px 12px; }
.livinglab dt { color: var(--ll-quiet); font-size: 13px; }
.livinglab dd { margin: 0; font-size: 22px; line-height: 1.3; font-weight: 650; font-variant-numeric: tabular-nums; }
.livinglab dd small { display: block; font-size: 13px; font-weight: 400; color: var(--ll-quiet); }
.livinglab .warn, .livinglab dd small.warn { color: var(--ll-warn); } .livinglab .bad { color: var(--ll-bad); }
.livinglab .good { color: var(--ll-good); }
.livinglab .parts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 18px 28px; margin-top: 18px; }
.livinglab ul { list-style: none; margin: 0; padding: 0; } .livinglab li + li { margin-top: 8px; }
.livinglab code { font-size: 13px; background: var(--ll-fill); border-radius: 4px; padding: 1px 4px; overflow-wrap: anywhere; }
.livinglab .scroll { overflow-x: auto; margin-top: 18px; } .livinglab .scroll:focus-visible { outline: 2px solid currentcolor; }
.livinglab table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.livinglab caption { text-align: left; font-weight: 650; padding-bottom: 4px; }
.livinglab th, .livinglab td { text-align: left; padding: 5px 18px 5px 0; border-bottom: 1px solid var(--ll-line); vertical-align: top; }
.livinglab thead th { color: var(--ll-quiet); font-weight: 600; font-size: 13px; } .livinglab tbody th { font-weight: 500; }
.livinglab .number { text-align: right; white-space: nowrap; } .livinglab td:not(.number) { white-space: nowrap; }`;

  const base = () => document.baseURI;

  // A link inside Airflow: the router's own where there is one, so that no page is loaded anew.
  function Inside({ to, children, label }) {
    const Link = globalThis.ReactRouterDOM && globalThis.ReactRouterDOM.Link;
    const given = label ? { "aria-label": label } : {};
    return Link ? h(Link, { to: "/" + to, ...given }, children) : h("a", { href: new URL(to, base()).href, ...given }, children);
  }

  async function fetchFacts(signal) {
    const answer = await fetch(new URL(FACTS, base()).href, { credentials: "same-origin", signal, headers: { Accept: "application/json" } });
    if (answer.ok) return { facts: await answer.json() };
    if (answer.status === 401) return { problem: "Your session has ended: sign in again." };
    const told = await answer.json().catch(() => ({}));
    return { problem: typeof told.detail === "string" ? told.detail : `LivingLab answers with ${answer.status}.` };
  }

  function useFacts() {
    const [state, setState] = React.useState({});
    React.useEffect(() => {
      const ending = new AbortController();
      const look = () => {
        if (document.hidden) return;
        fetchFacts(ending.signal).then(
          (found) => { if (!ending.signal.aborted) setState((kept) => ({ facts: found.facts ? found.facts : kept.facts, problem: found.problem })); },
          () => { if (!ending.signal.aborted) setState((kept) => ({ ...kept, problem: "LivingLab cannot be reached; trying again." })); },
        );
      };
      look();
      const timer = setInterval(look, REFRESH_MS);
      document.addEventListener("visibilitychange", look);
      return () => { ending.abort(); clearInterval(timer); document.removeEventListener("visibilitychange", look); };
    }, []);
    return state;
  }

  const clock = (time) => (time ? time.slice(11, 16) + " UTC" : "–");
  const day = (time) => (time ? time.slice(0, 10) : "–");
  const who = ({ viewer, roles }) => (roles.length === 1 && roles[0] === viewer ? viewer : `${viewer} (${roles.join(", ")})`);

  // A count of rows as the viewer's roles see it: exact, rounded (under the least: said so), or not at all.
  function rows(facts, count) {
    if (facts.counts === "hidden") return "not shown";
    if (count === null) return `under ${facts.least}`;
    return (facts.counts === "rounded" && count > 0 ? "about " : "") + count.toLocaleString("en");
  }

  const Figure = ({ name, value, note, tone }) =>
    h("div", null, h("dt", null, name), h("dd", null, value, note ? h("small", { className: tone || "" }, note) : null));

  function Figures({ facts }) {
    const { log } = facts;
    const cosigned = log.witnesses ? `head cosigned by ${log.cosigned} of ${log.witnesses}${log.wanted ? `, ${log.wanted} wanted` : ""}` : "nobody else cosigns it";
    return h("dl", null,
      h(Figure, { name: "Batches today", value: facts.batches.length, note: facts.batches.length ? `last at ${clock(facts.batches[0].time)}` : "" }),
      facts.counts === "hidden" ? null : h(Figure, { name: "Rows set aside today", value: rows(facts, facts.set_aside) }),
      h(Figure, { name: "Waiting for a decision", value: facts.waiting.length, note: facts.waiting.length ? "see below" : "" }),
      h(Figure, { name: "Log entries", value: log.size.toLocaleString("en"), note: log.satisfied ? cosigned : "! " + cosigned, tone: log.satisfied ? "" : "warn" }),
      h(Figure, { name: "Alerts", value: facts.alerts.length }));
  }

  function Waiting({ facts }) {
    return h("section", { "aria-labelledby": "ll-waiting" },
      h("h3", { id: "ll-waiting" }, "Waiting for a decision"),
      facts.waiting.length === 0
        ? h("p", { className: "quiet" }, "No release waits. One appears here when a product misses a limit for which the policy asks a person.")
        : h("ul", null, facts.waiting.map((release) => h("li", { key: release.release }, h(Release, { release, facts })))));
  }

  function Release({ release, facts }) {
    const asked = facts.may.decide ? (release.replaced ? "Reject" : "Decide") : "See what the DPO is asked";
    return h(React.Fragment, null,
      h("strong", null, release.title), h("p", { className: "quiet" }, h("code", null, release.release), ` since ${day(release.since)} ${clock(release.since)}`),
      release.replaced ? h("p", null, "A later release stands: this one can only be rejected.") : null,
      release.reasons && release.reasons.length ? h("p", { className: "quiet" }, release.reasons.join("; ")) : null,
      release.approval
        ? h(Inside, { to: release.approval, label: `${asked}: ${release.title}` }, asked)
        : h("p", { className: "quiet" }, facts.may.decide ? "No question is open in Airflow. To decide: " : "The DPO decides: ",
            h("code", null, `livinglab ${release.replaced ? "reject" : "approve"} ${release.release} --reason "…"`)));
  }

  function Alerts({ facts }) {
    return h("section", { "aria-labelledby": "ll-alerts" },
      h("h3", { id: "ll-alerts" }, "Alerts"),
      facts.alerts.length === 0
        ? h("p", { className: "quiet" }, "No alert fires. Thresholds: ", h("code", null, "[alerts]"), " of the site file.")
        : h("ul", null, facts.alerts.map((alert) => h("li", { key: alert.alert + alert.about },
            h("strong", { className: "warn" }, "! "), alert.says, h("p", { className: "quiet" }, "What helps: ", h("code", null, alert.remedy))))));
  }

  function Batches({ facts }) {
    if (facts.batches.length === 0) {
      const how = facts.may.land
        ? ["Drop files into ", h("code", { key: "c" }, "landing/"), " of the home, then trigger their source DAG: ", h(Inside, { key: "l", to: "dags?tags=source" }, "all sources"), "."]
        : ["Engineers take data in; what they land appears here."];
      return h("section", { "aria-labelledby": "ll-batches", style: { marginTop: 18 } }, h("h3", { id: "ll-batches" }, "Batches today"), h("p", { className: "quiet" }, "None yet. ", ...how));
    }
    const counted = facts.counts === "hidden" ? [] : [["received", "Received"], ["accepted", "Accepted"], ["quarantined", "Set aside"]];
    return h("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Batches today" }, h("table", null,
      h("caption", null, "Batches today"),
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Data set"), h("th", { scope: "col", className: "number" }, "Batch"),
        counted.map(([key, name]) => h("th", { key, scope: "col", className: "number" }, name)), h("th", { scope: "col" }, "Landed"), h("th", { scope: "col" }, "Receipt"))),
      h("tbody", null, facts.batches.map((batch) => h("tr", { key: batch.dataset + batch.batch },
        h("th", { scope: "row" }, h(Inside, { to: batch.source, label: `${batch.title}: its DAG` }, batch.title)),
        h("td", { className: "number" }, batch.batch),
        counted.map(([key]) => h("td", { key, className: "number" }, rows(facts, batch[key]))),
        h("td", null, clock(batch.time)),
        h("td", null, batch.receipt ? h(Inside, { to: batch.receipt, label: `Receipt of batch ${batch.batch} of ${batch.title}` }, "receipt") : "by a command"))))));
  }

  function Panel() {
    const { facts, problem } = useFacts();
    return h("section", { className: "livinglab", "aria-labelledby": "ll-title" }, h("style", null, STYLE),
      h("div", { className: "top" }, h("h2", { id: "ll-title" }, "LivingLab"),
        facts ? h("p", { className: "quiet" }, `${who(facts)} · ${day(facts.time)} ${clock(facts.time)} · `, h(Inside, { to: COMPLIANCE }, "Compliance page")) : null),
      h("div", { role: "status" }, problem ? h("p", { className: "warn", style: { margin: "8px 0 0" } }, problem) : facts ? null : h("p", { className: "quiet" }, "Looking …")),
      facts ? h(React.Fragment, null, h(Figures, { facts }), h("div", { className: "parts" }, h(Waiting, { facts }), h(Alerts, { facts })), h(Batches, { facts })) : null);
  }

  globalThis.AirflowPlugin = Panel;
})();
