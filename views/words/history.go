package words

// History are the texts of history and removed configurations.
type History struct {
	Title string
}

var englishHistory = History{
	Title: "History",
}

var chineseHistory = History{
	Title: "历史",
}
