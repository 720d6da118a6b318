package words

// Edit are the texts of the editor.
type Edit struct {
	Title string
}

var englishEdit = Edit{
	Title: "Edit",
}

var chineseEdit = Edit{
	Title: "编辑",
}
