FPDF_ERR_PASSWORD: int
FPDF_PAGEOBJ_IMAGE: int

def FPDF_DocumentHasValidCrossReferenceTable(document: object) -> int: ...
