package words

// Clients are the texts of who listens.
type Clients struct {
	Title string
}

var englishClients = Clients{
	Title: "Clients",
}

var chineseClients = Clients{
	Title: "客户端",
}
