"""Reports for admins: the ledger, settlements, invoices and GST, as JSON, CSV and XLSX."""
