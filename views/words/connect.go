package words

// Connect are the texts of connecting applications.
type Connect struct {
	Title string
}

var englishConnect = Connect{
	Title: "Connect",
}

var chineseConnect = Connect{
	Title: "接入应用",
}
