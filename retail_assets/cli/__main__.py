"""`python -m retail_assets.cli` is `retail-assets`."""

from retail_assets.cli import main

main()
