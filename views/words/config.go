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

	Wrap, Download, Shown, NotText                       string // Shown: lines shown, size of all
	Mistakes                                             string // format
	Created, Encrypted, EncryptedText                    string
	Namespace, Variant, VariantsHere                     string
	AbsentTitle, AbsentText, Create, SeeHistory          string // AbsentText: name, group, namespace
	DeleteTyped, AlreadyDeleted                          string // name
	SnippetsText, SnippetInstall, SnippetCode            string
	SnippetPorts                                         string // HTTP port, gRPC port
	SnippetPortOdd                                       string // gRPC port, the port where SDKs look
	SnippetPoll, SnippetFormat, SnippetAPI, SnippetDubbo string
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

	Wrap: "Wrap lines", Download: "Download", Shown: "The first %s lines of %s are shown. Download it to see all.", NotText: "This content is not UTF-8 text. It can be downloaded.",
	Mistakes: "Applications that read this as %s will stumble:",
	Created:  "Created", Encrypted: "Encryption", EncryptedText: "encrypted by its publisher; clients decrypt it with their key service",
	Namespace: "Namespace", Variant: "Variant", VariantsHere: "Some clients see another content: variants of this configuration are on the tab Canary.",
	AbsentTitle: "There is no such configuration", AbsentText: "Nothing is published as %s in the group %s of the namespace %s.", Create: "Create it", SeeHistory: "See its history",
	DeleteTyped: "This namespace is protected: type %s to delete it. Nothing was changed.", AlreadyDeleted: "%s had been deleted before.",
	SnippetsText: "These read this configuration and are told when it changes. Address, ports and names are those of this server.", SnippetInstall: "Dependency", SnippetCode: "Code",
	SnippetPorts:   "Clients reach HTTP on port %s and gRPC on port %s; both must be open to them.",
	SnippetPortOdd: "gRPC is on port %s here, but SDKs look for it on %s unless they are told as below; those that can't be told need another grpc-addr.",
	SnippetPoll:    "This SDK polls over HTTP; it needs no gRPC port.", SnippetFormat: "Spring reads properties and yaml by the ending of the name.",
	SnippetAPI: "Needs nothing but HTTP. The answer is the content as it was published.", SnippetDubbo: "Dubbo reads the properties of this configuration when it starts.",
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

	Wrap: "自动换行", Download: "下载", Shown: "仅显示前 %s 行，全文 %s。请下载后查看全部内容。", NotText: "该内容不是 UTF-8 文本，可以下载。",
	Mistakes: "按 %s 格式读取该内容的应用会出错：",
	Created:  "创建时间", Encrypted: "加密", EncryptedText: "由发布方加密，客户端通过密钥服务解密",
	Namespace: "命名空间", Variant: "灰度版本", VariantsHere: "部分客户端看到的是其他内容：灰度版本在“灰度”页中。",
	AbsentTitle: "没有这个配置", AbsentText: "没有名为 %s 的配置（分组 %s，命名空间 %s）。", Create: "新建该配置", SeeHistory: "查看历史",
	DeleteTyped: "该命名空间受保护：请输入 %s 以删除。未做任何更改。", AlreadyDeleted: "%s 此前已被删除。",
	SnippetsText: "以下代码读取该配置，并在其变化时收到通知。地址、端口和名称均为本服务器的实际值。", SnippetInstall: "依赖", SnippetCode: "代码",
	SnippetPorts:   "客户端通过端口 %s 访问 HTTP，通过端口 %s 访问 gRPC，两个端口都必须开放。",
	SnippetPortOdd: "本服务器的 gRPC 端口是 %s，而 SDK 默认使用 %s，须按下面的方式指定；不支持指定的 SDK 需要修改 grpc-addr 设置。",
	SnippetPoll:    "该 SDK 通过 HTTP 轮询，不需要 gRPC 端口。", SnippetFormat: "Spring 按名称后缀识别 properties 和 yaml 格式。",
	SnippetAPI: "只需要 HTTP。返回内容与发布时完全一致。", SnippetDubbo: "Dubbo 在启动时读取该配置中的属性。",
}
