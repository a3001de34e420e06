"""The ERP's tables as Arrow schemas: the one list of columns, types and primary keys.

Names and types are those of Microsoft's AdventureWorks OLTP sample, plus `SalesReturn`. The
columns that may not be null are the table's primary key; a text's longest length is in its
field's metadata.
"""

from __future__ import annotations

import pyarrow as pa

INT, BIT, WHEN = pa.int32(), pa.bool_(), pa.timestamp("us")
MONEY, LINE = pa.decimal128(19, 4), pa.decimal128(38, 6)
RATE, WEIGHT = pa.decimal128(10, 4), pa.decimal128(8, 2)

UNTIL = "_until"
"""The column of a version table that says when the version stopped being true; null = still is."""


class _Text:
    """A text type of bounded length, which Arrow itself does not have."""

    def __init__(self, longest: int) -> None:
        self.longest = longest


def _schema(key: str, **columns: pa.DataType | _Text) -> pa.Schema:
    keys = key.split()
    fields = []
    for name, kind in {**columns, "ModifiedDate": WHEN}.items():
        if isinstance(kind, _Text):
            metadata = {"longest": str(kind.longest)}
            fields.append(pa.field(name, pa.string(), name not in keys, metadata))
        else:
            fields.append(pa.field(name, kind, name not in keys))
    return pa.schema(fields)


_GUID = _Text(36)
_NAME = _Text(50)
_CODE = _Text(3)
_PAIR = _Text(2)

TABLES: dict[str, pa.Schema] = {
    "CountryRegion": _schema("CountryRegionCode", CountryRegionCode=_CODE, Name=_NAME),
    "StateProvince": _schema(
        "StateProvinceID",
        StateProvinceID=INT,
        StateProvinceCode=_CODE,
        CountryRegionCode=_CODE,
        IsOnlyStateProvinceFlag=BIT,
        Name=_NAME,
        TerritoryID=INT,
        rowguid=_GUID,
    ),
    "Address": _schema(
        "AddressID",
        AddressID=INT,
        AddressLine1=_Text(60),
        AddressLine2=_Text(60),
        City=_Text(30),
        StateProvinceID=INT,
        PostalCode=_Text(15),
        rowguid=_GUID,
    ),
    "BusinessEntityAddress": _schema(
        "BusinessEntityID AddressID AddressTypeID",
        BusinessEntityID=INT,
        AddressID=INT,
        AddressTypeID=INT,
        rowguid=_GUID,
    ),
    "Person": _schema(
        "BusinessEntityID",
        BusinessEntityID=INT,
        PersonType=_PAIR,
        Title=_Text(8),
        FirstName=_NAME,
        MiddleName=_NAME,
        LastName=_NAME,
    ),
    "EmailAddress": _schema(
        "BusinessEntityID EmailAddressID",
        BusinessEntityID=INT,
        EmailAddressID=INT,
        EmailAddress=_NAME,
        rowguid=_GUID,
    ),
    "SalesTerritory": _schema(
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
    "Store": _schema("BusinessEntityID", BusinessEntityID=INT, Name=_NAME, SalesPersonID=INT, rowguid=_GUID),
    "Customer": _schema(
        "CustomerID", CustomerID=INT, PersonID=INT, StoreID=INT, TerritoryID=INT, rowguid=_GUID
    ),
    "SpecialOffer": _schema(
        "SpecialOfferID",
        SpecialOfferID=INT,
        Description=_Text(255),
        DiscountPct=RATE,
        Type=_NAME,
        Category=_NAME,
        StartDate=WHEN,
        EndDate=WHEN,
        MinQty=INT,
        MaxQty=INT,
        rowguid=_GUID,
    ),
    "SpecialOfferProduct": _schema(
        "SpecialOfferID ProductID", SpecialOfferID=INT, ProductID=INT, rowguid=_GUID
    ),
    "SalesOrderHeader": _schema(
        "SalesOrderID",
        SalesOrderID=INT,
        OrderDate=WHEN,
        DueDate=WHEN,
        ShipDate=WHEN,
        Status=INT,
        OnlineOrderFlag=BIT,
        PurchaseOrderNumber=_Text(25),
        CustomerID=INT,
        SalesPersonID=INT,
        TerritoryID=INT,
        ShipMethodID=INT,
        SubTotal=MONEY,
        TaxAmt=MONEY,
        Freight=MONEY,
        TotalDue=MONEY,
    ),
    "SalesOrderDetail": _schema(
        "SalesOrderID SalesOrderDetailID",
        SalesOrderID=INT,
        SalesOrderDetailID=INT,
        OrderQty=INT,
        ProductID=INT,
        SpecialOfferID=INT,
        UnitPrice=MONEY,
        UnitPriceDiscount=MONEY,
        LineTotal=LINE,
    ),
    "SalesReturn": _schema(
        "SalesReturnID",
        SalesReturnID=INT,
        SalesOrderID=INT,
        SalesOrderDetailID=INT,
        ReturnDate=WHEN,
        Quantity=INT,
        Reason=_NAME,
        RefundAmount=MONEY,
    ),
    "ProductCategory": _schema("ProductCategoryID", ProductCategoryID=INT, Name=_NAME, rowguid=_GUID),
    "ProductSubcategory": _schema(
        "ProductSubcategoryID",
        ProductSubcategoryID=INT,
        ProductCategoryID=INT,
        Name=_NAME,
        rowguid=_GUID,
    ),
    "Product": _schema(
        "ProductID",
        ProductID=INT,
        Name=_NAME,
        ProductNumber=_Text(25),
        MakeFlag=BIT,
        FinishedGoodsFlag=BIT,
        Color=_Text(15),
        SafetyStockLevel=INT,
        ReorderPoint=INT,
        StandardCost=MONEY,
        ListPrice=MONEY,
        Size=_Text(5),
        SizeUnitMeasureCode=_CODE,
        WeightUnitMeasureCode=_CODE,
        Weight=WEIGHT,
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
    "ProductCostHistory": _schema(
        "ProductID StartDate", ProductID=INT, StartDate=WHEN, EndDate=WHEN, StandardCost=MONEY
    ),
    "ProductListPriceHistory": _schema(
        "ProductID StartDate", ProductID=INT, StartDate=WHEN, EndDate=WHEN, ListPrice=MONEY
    ),
}


def primary_key(table: str) -> list[str]:
    """The names of the primary key's columns, in their order. Raises KeyError for no such table."""
    return [field.name for field in TABLES[table] if not field.nullable]
