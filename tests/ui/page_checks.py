"""What a page owes every reader (WCAG 2.2), checked in the browser: each check returns what is wrong.

Contrast 1.4.3, reflow 1.4.10, headings and tables 1.3.1, names of links 2.4.4, bypass 2.4.1, focus 2.4.7.
"""

from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="there is no Chromium: apt-get install chromium"
)

LEAST_CONTRAST = 4.5
LEAST_CONTRAST_LARGE = 3.0

CONTRAST = """
([root, least, large]) => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, below) => below.map((value, i) => top[i] * top[3] + value * (1 - top[3]));
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement)
      layers.unshift(rgba(getComputedStyle(at).backgroundColor));
    const dark = getComputedStyle(document.documentElement).colorScheme.includes('dark')
      && matchMedia('(prefers-color-scheme: dark)').matches;
    return layers.reduce((below, top) => over(top, below), dark ? [18, 18, 18] : [255, 255, 255]);
  };
  const luminance = (colour) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = colour.map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faults = new Set();
  const texts = document.createTreeWalker(document.querySelector(root), NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const element = text.parentElement;
    if (!text.data.trim() || !element.checkVisibility() || element.closest('style, script, meter')) continue;
    const style = getComputedStyle(element), ground = behind(element);
    const ink = over(rgba(element.closest('svg') ? style.fill : style.color), ground);
    const [low, high] = [luminance(ink), luminance(ground)].sort((a, b) => a - b);
    const size = parseFloat(style.fontSize), ratio = (high + 0.05) / (low + 0.05);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? large : least;
    if (ratio < needed) faults.add(`${ratio.toFixed(2)} for ${element.localName}.${element.className}`);
  }
  return [...faults];
}
"""

STRUCTURE = """
() => {
  const faults = [], all = (chosen) => [...document.querySelectorAll(chosen)];
  if (!document.documentElement.lang) faults.push('no language');
  if (all('main').length !== 1) faults.push('not one main');
  if (all('h1').length !== 1) faults.push('not one h1');
  let last = 0;
  for (const heading of all('h1, h2, h3, h4')) {
    const level = Number(heading.localName[1]);
    if (level > last + 1) faults.push(`h${level} after h${last}`);
    last = level;
  }
  for (const table of all('table')) {
    if (!table.querySelector('th[scope=col]')) faults.push('a table without column headers');
    if (table.querySelector('th:not([scope])')) faults.push('a th without scope');
  }
  for (const link of all('a')) if (!link.textContent.trim()) faults.push('a link without a name');
  for (const picture of all('img, [role=img]'))
    if (!picture.alt && !picture.getAttribute('aria-label')) faults.push('a picture without words');
  for (const box of all('*')) {
    const wide = box.scrollWidth > box.clientWidth + 1 && box !== document.documentElement;
    if (wide && /auto|scroll/.test(getComputedStyle(box).overflowX) && box.tabIndex < 0)
      faults.push(`no key scrolls ${box.className}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page scrolls sideways');
  return faults;
}
"""

FOCUSED = """
() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  if (at === document.body) return null;
  const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  return { name: at.textContent.trim().slice(0, 40), seen, inside: box.bottom > 0 && box.top < innerHeight,
           place: [...document.querySelectorAll('*')].indexOf(at) };
}
"""


def low_contrast(page: Any, root: str = "body") -> list[str]:
    """Return the texts below `root` that stand out too little from what is behind them."""
    found: list[str] = page.evaluate(CONTRAST, [root, LEAST_CONTRAST, LEAST_CONTRAST_LARGE])
    return found


def structure_faults(page: Any) -> list[str]:
    """Return what a reader who does not see the page, or sees it narrow, would miss."""
    found: list[str] = page.evaluate(STRUCTURE)
    return found


def keyboard_faults(page: Any, most: int = 200) -> list[str]:
    """Walk through the page with the Tab key; return stops that are unseen or out of order."""
    stops: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None:
            break
        stops.append(stop)
    faults = [
        f"focus is not seen on {stop['name']}" for stop in stops if not (stop["seen"] and stop["inside"])
    ]
    places = [stop["place"] for stop in stops]
    if places != sorted(places):
        faults.append("focus jumps back")
    if stops and stops[0]["name"] != "Skip to the content":
        faults.append("the first stop does not lead to the content")
    return faults
