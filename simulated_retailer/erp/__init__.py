"""The ERP, in the layout of Microsoft's AdventureWorks sample: resellers, shops and online orders."""
