package words

// Config are the texts of the page of one configuration.
type Config struct {
	Title, Parts                              string
	TabContent, TabHistory, TabClients        string
	TabCanary, TabSnippets                    string
	OnlyCanary                                string
	Attributes, ReadRaw, LastChange, Editing  string // Editing: user
	UsedBy                                    string // in sync, all
	DeleteTitle, DeleteText, Deleted, Restore string // DeleteText: clients
	Draft                                     string // how long ago
}

var englishConfig = Config{
	Title: "Configuration", Parts: "Parts of the configuration",
	TabContent: "Content", TabHistory: "History", TabClients: "Clients", TabCanary: "Canary", TabSnippets: "Snippets",
	OnlyCanary: "Only variants for some clients are published; the others see nothing.",
	Attributes: "Attributes", ReadRaw: "Raw", LastChange: "Last change", Editing: "%s is editing",
	UsedBy:      "%s of %s clients in sync",
	DeleteTitle: "Delete this configuration?", DeleteText: "Clients that listen: %s. They are told that it is gone. Its history stays, and it can be restored.",
	Deleted: "Deleted %s.", Restore: "Restore",
	Draft: "You have a draft, saved %s",
}

var chineseConfig = Config{
	Title: "配置", Parts: "配置的各部分",
	TabContent: "内容", TabHistory: "历史", TabClients: "客户端", TabCanary: "灰度", TabSnippets: "代码示例",
	OnlyCanary: "只发布了面向部分客户端的灰度版本，其他客户端看不到内容。",
	Attributes: "属性", ReadRaw: "原始内容", LastChange: "最近修改", Editing: "%s 正在编辑",
	UsedBy:      "已同步客户端 %s / %s",
	DeleteTitle: "删除该配置？", DeleteText: "监听的客户端：%s 个。它们会收到删除通知。历史记录会保留，可以恢复。",
	Deleted: "已删除 %s。", Restore: "恢复",
	Draft: "您有一份草稿，保存于%s",
}
