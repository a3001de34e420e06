"""The retailer's source systems, by name."""

from retail_assets.demo.crm.schema import CRM
from retail_assets.demo.erp.schema import ERP
from retail_assets.demo.inventory.schema import INVENTORY
from retail_assets.demo.marketing.schema import MARKETING
from retail_assets.demo.schema import System
from retail_assets.demo.webshop.schema import WEBSHOP

SYSTEMS: dict[str, System] = {system.name: system for system in (ERP, WEBSHOP, CRM, INVENTORY, MARKETING)}
