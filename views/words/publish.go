package words

// Publish are the texts of reviewing and publishing.
type Publish struct {
	Title string
}

var englishPublish = Publish{
	Title: "Publish",
}

var chinesePublish = Publish{
	Title: "发布",
}
