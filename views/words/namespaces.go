package words

// Namespaces are the texts of the namespaces.
type Namespaces struct {
	Title string
}

var englishNamespaces = Namespaces{
	Title: "Namespaces",
}

var chineseNamespaces = Namespaces{
	Title: "命名空间",
}
