"""The retailer's source systems, by name."""

from simulated_retailer.crm.schema import CRM
from simulated_retailer.engine.table_layout import System
from simulated_retailer.erp.schema import ERP
from simulated_retailer.inventory.schema import INVENTORY
from simulated_retailer.marketing.schema import MARKETING
from simulated_retailer.webshop.schema import WEBSHOP

SYSTEMS: dict[str, System] = {system.name: system for system in (ERP, WEBSHOP, CRM, INVENTORY, MARKETING)}
