package words

// Configs are the texts of the list of configurations.
type Configs struct {
	Title string
}

var englishConfigs = Configs{
	Title: "Configurations",
}

var chineseConfigs = Configs{
	Title: "配置列表",
}
