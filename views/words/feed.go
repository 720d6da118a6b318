package words

// Feed are the texts of the live feed.
type Feed struct {
	Title string
}

var englishFeed = Feed{
	Title: "Live feed",
}

var chineseFeed = Feed{
	Title: "实时动态",
}
