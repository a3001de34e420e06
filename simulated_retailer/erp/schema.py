"""The ERP's tables.

Names and types are those of Microsoft's AdventureWorks OLTP sample, plus `SalesReturn`.
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa

from simulated_retailer.engine.table_layout import BIT, INT, MONEY, WHEN, System, Text, layout

_LINE, _RATE, _WEIGHT = pa.decimal128(38, 6), pa.decimal128(10, 4), pa.decimal128(8, 2)
_MODIFIED = "ModifiedDate"
_table = partial(layout, _MODIFIED)
_GUID = Text(36)
_NAME = Text(50)
_CODE = Text(3)
_PAIR = Text(2)

_TABLES: dict[str, pa.Schema] = {
    "CountryRegion": _table("CountryRegionCode", CountryRegionCode=_CODE, Name=_NAME),
    "StateProvince": _table(
        "StateProvinceID",
        StateProvinceID=INT,
        StateProvinceCode=_CODE,
        CountryRegionCode=_CODE,
        IsOnlyStateProvinceFlag=BIT,
        Name=_NAME,
        TerritoryID=INT,
        rowguid=_GUID,
    ),
    "Address": _table(
        "AddressID",
        AddressID=INT,
        AddressLine1=Text(60),
        AddressLine2=Text(60),
        City=Text(30),
        StateProvinceID=INT,
        PostalCode=Text(15),
        rowguid=_GUID,
    ),
    "BusinessEntityAddress": _table(
        "BusinessEntityID AddressID AddressTypeID",
        BusinessEntityID=INT,
        AddressID=INT,
        AddressTypeID=INT,
        rowguid=_GUID,
    ),
    "Person": _table(
        "BusinessEntityID",
        BusinessEntityID=INT,
        PersonType=_PAIR,
        Title=Text(8),
        FirstName=_NAME,
        MiddleName=_NAME,
        LastName=_NAME,
    ),
    "EmailAddress": _table(
        "BusinessEntityID EmailAddressID",
        BusinessEntityID=INT,
        EmailAddressID=INT,
        EmailAddress=_NAME,
        rowguid=_GUID,
    ),
    "SalesTerritory": _table(
        "TerritoryID",
        TerritoryID=INT,
        Name=_NAME,
        CountryRegionCode=_CODE,
        Group=_NAME,
        SalesYTD=MONEY,
        SalesLastYear=MONEY,
        CostYTD=MONEY,
        CostLastYear=MONEY,
        rowguid=_GUID,
    ),
    "Store": _table("BusinessEntityID", BusinessEntityID=INT, Name=_NAME, SalesPersonID=INT, rowguid=_GUID),
    "Customer": _table(
        "CustomerID", CustomerID=INT, PersonID=INT, StoreID=INT, TerritoryID=INT, rowguid=_GUID
    ),
    "SpecialOffer": _table(
        "SpecialOfferID",
        SpecialOfferID=INT,
        Description=Text(255),
        DiscountPct=_RATE,
        Type=_NAME,
        Category=_NAME,
        StartDate=WHEN,
        EndDate=WHEN,
        MinQty=INT,
        MaxQty=INT,
        rowguid=_GUID,
    ),
    "SpecialOfferProduct": _table(
        "SpecialOfferID ProductID", SpecialOfferID=INT, ProductID=INT, rowguid=_GUID
    ),
    "SalesOrderHeader": _table(
        "SalesOrderID",
        SalesOrderID=INT,
        OrderDate=WHEN,
        DueDate=WHEN,
        ShipDate=WHEN,
        Status=INT,
        OnlineOrderFlag=BIT,
        PurchaseOrderNumber=Text(25),
        CustomerID=INT,
        SalesPersonID=INT,
        TerritoryID=INT,
        ShipMethodID=INT,
        SubTotal=MONEY,
        TaxAmt=MONEY,
        Freight=MONEY,
        TotalDue=MONEY,
    ),
    "SalesOrderDetail": _table(
        "SalesOrderID SalesOrderDetailID",
        SalesOrderID=INT,
        SalesOrderDetailID=INT,
        OrderQty=INT,
        ProductID=INT,
        SpecialOfferID=INT,
        UnitPrice=MONEY,
        UnitPriceDiscount=MONEY,
        LineTotal=_LINE,
    ),
    "SalesReturn": _table(
        "SalesReturnID",
        SalesReturnID=INT,
        SalesOrderID=INT,
        SalesOrderDetailID=INT,
        ReturnDate=WHEN,
        Quantity=INT,
        Reason=_NAME,
        RefundAmount=MONEY,
    ),
    "ProductCategory": _table("ProductCategoryID", ProductCategoryID=INT, Name=_NAME, rowguid=_GUID),
    "ProductSubcategory": _table(
        "ProductSubcategoryID",
        ProductSubcategoryID=INT,
        ProductCategoryID=INT,
        Name=_NAME,
        rowguid=_GUID,
    ),
    "Product": _table(
        "ProductID",
        ProductID=INT,
        Name=_NAME,
        ProductNumber=Text(25),
        MakeFlag=BIT,
        FinishedGoodsFlag=BIT,
        Color=Text(15),
        SafetyStockLevel=INT,
        ReorderPoint=INT,
        StandardCost=MONEY,
        ListPrice=MONEY,
        Size=Text(5),
        SizeUnitMeasureCode=_CODE,
        WeightUnitMeasureCode=_CODE,
        Weight=_WEIGHT,
        DaysToManufacture=INT,
        ProductLine=_PAIR,
        Class=_PAIR,
        Style=_PAIR,
        ProductSubcategoryID=INT,
        ProductModelID=INT,
        SellStartDate=WHEN,
        SellEndDate=WHEN,
        DiscontinuedDate=WHEN,
        rowguid=_GUID,
    ),
    "ProductCostHistory": _table(
        "ProductID StartDate", ProductID=INT, StartDate=WHEN, EndDate=WHEN, StandardCost=MONEY
    ),
    "ProductListPriceHistory": _table(
        "ProductID StartDate", ProductID=INT, StartDate=WHEN, EndDate=WHEN, ListPrice=MONEY
    ),
}


ERP = System("erp", _MODIFIED, _TABLES, indexed=("SalesOrderHeader", "SalesOrderDetail", "SalesReturn"))
