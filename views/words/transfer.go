package words

// Transfer are the texts of import and export.
type Transfer struct {
	Title string
}

var englishTransfer = Transfer{
	Title: "Import and export",
}

var chineseTransfer = Transfer{
	Title: "导入与导出",
}
