"""What axe-core finds on the pages, in Chromium: no serious or critical fault, at two widths, light and dark.

Both are at hand on few machines: `apt-get install chromium`, `npm pack axe-core`, and AXE=.../axe.min.js.
"""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.dashboards.export import export
from retail_assets.dashboards.pages import read_pages
from retail_assets.dashboards.site import site_of
from retail_assets.resources.warehouse import warehouse_of
from retail_assets_tests.conftest import Deployment

AXE = os.environ.get("AXE", "")
CHROMIUM = shutil.which("chromium")
# Chromium's name of what a page is asked for: 0 dark, 1 light.
SCHEMES = {"light": 1, "dark": 0}
_RUN = """
axe.run().then((found) => {
  const told = found.violations.map((each) => [each.impact, each.id, each.nodes[0].html]);
  const said = document.createElement("pre");
  said.id = "found-by-axe";
  said.textContent = JSON.stringify(told);
  document.body.append(said);
});
"""

pytestmark = pytest.mark.skipif(
    not AXE or not CHROMIUM, reason="Chromium and axe-core are not at hand (set AXE to its axe.min.js)"
)


@pytest.fixture(scope="module")
def pages(built: Deployment, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The pages as files, each with axe-core and what runs it."""
    folder = tmp_path_factory.mktemp("accessible") / "pages"
    site = site_of(built.settings, read_pages(PROJECT_DIR), is_served=False)
    written = [*export(warehouse_of(built.settings), site, folder), folder / "dictionary.html"]
    shutil.copyfile(AXE, folder / "static" / "axe.js")
    (folder / "static" / "run.js").write_text(_RUN)
    scripts = '<script src="static/axe.js"></script><script src="static/run.js" defer></script>'
    for path in written:
        path.write_text(path.read_text(encoding="utf-8").replace("</head>", f"{scripts}</head>"))
    return written


def _found(page: Path, width: int, scheme: str) -> list[list[str]]:
    command = [CHROMIUM, "--headless", "--no-sandbox", "--dump-dom", "--virtual-time-budget=10000"]
    command += [f"--window-size={width},900", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}"]
    done = subprocess.run([*map(str, command), page.as_uri()], capture_output=True, text=True, check=True)
    told = re.search(r'<pre id="found-by-axe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert told, "axe-core did not run"
    found: list[list[str]] = json.loads(unescape(told[1]))
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [390, 1400])
def test_no_page_has_a_serious_fault(pages: list[Path], width: int, scheme: str) -> None:
    for page in pages:
        grave = [each for each in _found(page, width, scheme) if each[0] in ("serious", "critical")]
        assert grave == [], page.name


def test_a_fault_is_found(pages: list[Path]) -> None:
    page = pages[0].with_name("faulty.html")
    page.write_text(pages[0].read_text().replace("</body>", '<img src="data:,"></body>'))
    assert "image-alt" in [each[1] for each in _found(page, 1400, "light")]
