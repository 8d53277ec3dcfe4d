"""The report in a browser: no network, no errors; tables that work; hostile text is inert."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from assay.model.evaluation import (
    Evaluation,
)
from assay.model.finding import Severity
from assay.report import ReusedKey, render_html
from assay.report.text import visible
from tests.report_plants import (
    GENERATED,
    HOSTILE,
    evaluation,
    finding,
    full,
    rule,
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for word in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "window-size=1280,900",
        f"user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(f"--{word}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


def told(browser: webdriver.Chrome, log: str) -> list[dict[str, Any]]:
    """What came into a log since it was last asked."""
    entries: list[dict[str, Any]] = browser.get_log(log)  # type: ignore[no-untyped-call]  # selenium
    return entries


def show(browser: webdriver.Chrome, folder: Path, source: str) -> None:
    """Open a page; nothing but the page itself may be asked for, and no error be told."""
    page = folder / "report.html"
    page.write_text(source, encoding="utf-8")
    told(browser, "performance")
    browser.get(page.as_uri())
    assert told(browser, "browser") == []
    messages = [json.loads(one["message"])["message"] for one in told(browser, "performance")]
    asked = {
        message["params"]["request"]["url"].split("#")[0]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    }
    assert asked == {page.as_uri()}


def lines(browser: webdriver.Chrome, table: str) -> list[list[str]]:
    """The rows of a table as they are shown, details aside."""
    script = """return Array.from(document.querySelector(arguments[0]).tBodies[0].rows)
        .filter(row => !row.classList.contains('detail'))
        .map(row => Array.from(row.cells).map(cell => cell.innerText))"""
    rows: list[list[str]] = browser.execute_script(script, f"#{table} table[data-table]")
    return rows


def within(browser: webdriver.Chrome, table: str, selector: str) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, f"#{table} {selector}")


def many(count: int) -> Evaluation:
    rules = (
        rule("calls.first", Severity.HIGH),
        rule("secrets.second", Severity.MEDIUM),
        rule("accounts.third", Severity.LOW),
    )
    found = tuple(finding(rules[n % 3], n, places=n + 1) for n in range(count))
    return evaluation(rules=rules, findings=found)


def test_five_thousand_findings_can_be_searched_filtered_sorted_and_paged(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    show(browser, tmp_path, render_html(many(5000), (), GENERATED))
    assert len(lines(browser, "findings")) == 50
    status = within(browser, "findings", ".status")
    assert status.text == "Rows 1 to 50 of 5,000"
    box = within(browser, "findings", "input.search")
    box.send_keys("FILE4999")
    assert [row[5] for row in lines(browser, "findings")] == ["usr/bin/file4999"]
    assert status.text == "1 found of 5,000"
    box.clear()
    box.send_keys(f"{4321:032x}")  # a fingerprint, which stands in the detail alone
    assert [row[5] for row in lines(browser, "findings")] == ["usr/bin/file4321"]
    box.clear()
    box.send_keys("x", Keys.BACKSPACE)
    within(browser, "findings", "select[aria-label=Severity] option[value='=medium']").click()
    assert status.text == "Rows 1 to 50 of 1,667 found of 5,000"
    within(browser, "findings", "select[aria-label=Theme] option[value='=accounts']").click()
    assert [row[0] for row in lines(browser, "findings")] == ["Nothing matches."]
    within(browser, "findings", "select[aria-label=Severity] option[value='']").click()
    within(browser, "findings", "th:last-child .sort").send_keys(Keys.ENTER)
    assert [row[6] for row in lines(browser, "findings")[:2]] == ["4,998", "4,995"]
    within(browser, "findings", ".pager button:last-child").click()
    assert lines(browser, "findings")[0][6] == f"{4998 - 3 * 50:,}"
    assert told(browser, "browser") == []


def test_a_finding_opens_to_its_evidence_by_keyboard(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    show(browser, tmp_path, render_html(many(30), (), GENERATED))
    opener = within(browser, "findings", "button.open")
    assert opener.get_attribute("aria-expanded") == "false"
    opener.send_keys(Keys.ENTER)
    assert opener.get_attribute("aria-expanded") == "true"
    shown = within(browser, "findings", "tr.detail").text
    for text in (
        "Reason of calls.first",
        "Remedy of calls.first",
        "Practice of calls.first",
        "0" * 32,
        "0x1000",
        "excerpt 0",
        "symbol_0",
        "uimage@0x0 › squashfs_v4_le@0x40",
    ):
        assert text in shown
    opener.send_keys(Keys.ENTER)
    assert browser.find_elements(By.CSS_SELECTOR, "#findings tr.detail") == []


def test_what_matters_leads_to_its_findings(browser: webdriver.Chrome, tmp_path: Path) -> None:
    show(browser, tmp_path, render_html(many(30), (), GENERATED))
    browser.find_element(By.CSS_SELECTOR, "a[data-search='secrets.second']").send_keys(Keys.ENTER)
    assert {row[3] for row in lines(browser, "findings")} == {"secrets"}
    browser.find_element(By.CSS_SELECTOR, "a[data-facet='low']").send_keys(Keys.ENTER)
    assert {row[1] for row in lines(browser, "findings")} == {"low"}


def test_the_script_shows_what_the_page_says_without_it(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    """Two renderers, one content: of every table, cell by cell."""
    source = render_html(full(), (ReusedKey("etc/planted", "V", "P", "R", "b"),), GENERATED)
    (tmp_path / "plain.html").write_text(source[: source.index('<script type="application/json"')])
    browser.get((tmp_path / "plain.html").as_uri())
    names = re.findall(r'data-table="([\w-]+)"', source)
    assert len(names) == 19
    plain = {name: lines(browser, name) for name in names}
    show(browser, tmp_path, source)
    for name in names:
        opened = browser.find_elements(By.CSS_SELECTOR, f"#{name} button.open") != []
        assert [row[opened:] for row in lines(browser, name)] == plain[name], name


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert_and_readable(
    browser: webdriver.Chrome, tmp_path: Path, text: str
) -> None:
    reused = (ReusedKey(f"etc/{text}", text, text, text, text),)
    show(browser, tmp_path, render_html(full(text), reused, GENERATED))
    for button in browser.find_elements(By.CSS_SELECTOR, "button.open"):
        button.send_keys(Keys.ENTER)
    assert browser.execute_script("return window.broken") is None
    expected = " ".join(visible(text).split())
    assert expected in browser.find_element(By.TAG_NAME, "h1").text
    assert lines(browser, "credentials")[0][2] == visible(f"etc/{text}")
    assert told(browser, "browser") == []


def test_it_prints_on_a4_and_fits_a_phone(browser: webdriver.Chrome, tmp_path: Path) -> None:
    show(browser, tmp_path, render_html(full(), (), GENERATED))
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    widths = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert widths[0] <= widths[1]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = browser.find_element(By.CSS_SELECTOR, ".page-nav").is_displayed()
    kept = browser.find_element(By.CSS_SELECTOR, "#findings tbody tr").is_displayed()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert (shown, kept) == (False, True)
