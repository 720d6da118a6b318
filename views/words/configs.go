package words

// Configs are the texts of the list of configurations, and of what is done with several of them.
type Configs struct {
	Title, SearchLabel, SearchHint, Search, New string
	Total                                       string // number
	Found                                       string // found, of how many
	FoundOne                                    string // of how many
	AllNamespaces                               string
	Columns, ColumnsApply                       string
	ColumnName, ColumnDesc, ColumnListeners     string
	SelectAll, WithSelected, Export, Clone, Tag string
	HitLine, HitVariant, HitDesc, HitGroup      string // HitLine: number; HitVariant: name
	Variants, VariantsOnly                      string // Variants: number
	FilterBy                                    string // the search that the link makes
	FindIn                                      string // what is searched for

	HelpTitle, HelpWords, HelpQuotes, HelpNot    string
	HelpGroup, HelpNamespace, HelpType, HelpTag  string
	HelpApp, HelpBy, HelpKey, HelpValue, HelpAge string
	HelpListener                                 string

	EmptyTitle, EmptyText, EmptyCurl, EmptyConnect string // EmptyTitle: namespace
	EmptyImport                                    string
	NoneTitle, NoneIn, NoneInAll                   string // NoneIn: search, namespace; NoneInAll: search
	WidenAll, WidenClear                           string // WidenClear: namespace

	NoneSelected, DeleteTitle, DeleteTitleOne, DeleteText string // DeleteTitle: number
	DeletedMany, DeletedNone                              string // DeletedMany: number
	Keep, Listeners                                       string

	CloneTitle, CloneTitleOne, CloneText, CloneTo, ClonePreview string // CloneTitle: number
	CloneNowhere, CloneChosen, CloneButton                      string
	CloneState, CloneNew, CloneSame, CloneDiffers               string // CloneState: namespace
	CloneStale, CloneNone, Cloned, ClonedOne                    string // Cloned: number, namespace; ClonedOne: namespace
	CloneFailed                                                 string // number, first name, reason
	TypedWrong                                                  string // what was to be typed

	TagTitle, TagTitleOne, TagAdd, TagRemove, TagHint string // TagTitle: number
	TagNone, TagSame, Tagged, TaggedOne, TagFailed    string // Tagged: number; TagFailed: number, first name, reason
}

var englishConfigs = Configs{
	Title: "Configurations", SearchLabel: "Search configurations", SearchHint: "Name, content or key; or group: type: tag: key: by: …", Search: "Search", New: "New configuration",
	Total: "Configurations: %s", Found: "%s found among %s", FoundOne: "1 found among %s",
	AllNamespaces: "All namespaces",
	Columns:       "Columns", ColumnsApply: "Show these",
	ColumnName: "Name", ColumnDesc: "Description and tags", ColumnListeners: "Clients",
	SelectAll: "Select all on this page", WithSelected: "With those selected", Export: "Export as ZIP", Clone: "Clone…", Tag: "Tags…",
	HitLine: "line %s", HitVariant: "variant %s", HitDesc: "description", HitGroup: "group",
	Variants: "Variants: %s", VariantsOnly: "variants only",
	FilterBy: "Show only %s", FindIn: "Search names and contents for “%s”",

	HelpTitle:  "How to search",
	HelpWords:  "Words stand in name, group, description, content or a key's path, in any case. All of them must be found.",
	HelpQuotes: "Quotation marks keep spaces together, and take the meaning of the colon away.", HelpNot: "A minus leaves out what has the word.",
	HelpGroup: "Part of the group's name", HelpNamespace: "A namespace, by name or id", HelpType: "A format: yaml, json, properties, toml, xml, html, text", HelpTag: "A tag",
	HelpApp: "Part of the application's name", HelpBy: "Who changed it last", HelpKey: "Part of a key's full path", HelpValue: "Part of a value; with key:, of the same line",
	HelpAge: "Changed within seven days; with > longer ago; m, h, d or w", HelpListener: "Nobody listens; or any, or behind: a client does not have the newest yet",

	EmptyTitle: "Nothing in %s yet", EmptyText: "A configuration is a text with a name that applications read, and are told of when it changes. Write the first one here, or publish it by the API:",
	EmptyCurl: "Publish by the API", EmptyConnect: "Connect an application", EmptyImport: "Import a ZIP",
	NoneTitle: "Nothing found", NoneIn: "“%s” stands in no name, description, content or key of the namespace %s.", NoneInAll: "“%s” stands in no name, description, content or key of any namespace.",
	WidenAll: "Search all namespaces", WidenClear: "Show all of %s",

	NoneSelected: "Nothing was selected. Tick the boxes before the names.", DeleteTitle: "Delete %s configurations?", DeleteTitleOne: "Delete this configuration?",
	DeleteText:  "Clients that listen are told that they are gone. Their history stays, and each can be restored.",
	DeletedMany: "Deleted %s configurations. Each can be restored from the list of those deleted.", DeletedNone: "What was selected had been deleted before.",
	Keep: "Keep them", Listeners: "Clients that listen",

	CloneTitle: "Clone %s configurations", CloneTitleOne: "Clone a configuration", CloneText: "Copies content, format, description, tags and application. Variants are not copied.",
	CloneTo: "Into the namespace", ClonePreview: "Show what would change",
	CloneNowhere: "There is no other namespace. Create one first.", CloneChosen: "Clone those that are ticked", CloneButton: "Clone",
	CloneState: "In %s", CloneNew: "new", CloneSame: "the same", CloneDiffers: "differs, is replaced",
	CloneStale: "Something changed in the meantime. Look at what would happen now, and confirm again.", CloneNone: "Nothing is ticked, so nothing was cloned.",
	Cloned: "Cloned %s configurations into %s.", ClonedOne: "Cloned 1 configuration into %s.", CloneFailed: "%s were not cloned. The first is %s: %s",
	TypedWrong: "Type %s to confirm. Nothing was changed.",

	TagTitle: "Tags of %s configurations", TagTitleOne: "Tags of a configuration", TagAdd: "Put on", TagRemove: "Take off", TagHint: "Several are separated by commas.",
	TagNone: "Say which tags are put on or taken off.", TagSame: "All of them had these tags already.",
	Tagged: "Changed the tags of %s configurations. Clients notice nothing.", TaggedOne: "Changed the tags of 1 configuration. Clients notice nothing.",
	TagFailed: "%s were not changed. The first is %s: %s",
}

var chineseConfigs = Configs{
	Title: "配置列表", SearchLabel: "搜索配置", SearchHint: "名称、内容或键；也可用 group: type: tag: key: by: 等条件", Search: "搜索", New: "新建配置",
	Total: "共 %s 个配置", Found: "找到 %s 个，共 %s 个", FoundOne: "找到 1 个，共 %s 个",
	AllNamespaces: "所有命名空间",
	Columns:       "列", ColumnsApply: "应用",
	ColumnName: "名称", ColumnDesc: "描述和标签", ColumnListeners: "客户端",
	SelectAll: "选择本页全部", WithSelected: "对所选配置", Export: "导出 ZIP", Clone: "克隆…", Tag: "标签…",
	HitLine: "第 %s 行", HitVariant: "灰度版本 %s", HitDesc: "描述", HitGroup: "分组",
	Variants: "%s 个灰度版本", VariantsOnly: "仅有灰度版本",
	FilterBy: "只显示 %s", FindIn: "在名称和内容中搜索“%s”",

	HelpTitle:  "搜索语法",
	HelpWords:  "在名称、分组、描述、内容和键的完整路径中查找，不区分大小写；多个词须同时出现。",
	HelpQuotes: "引号内的空格视为内容，冒号也不再有特殊含义。", HelpNot: "减号表示排除含有该词的配置。",
	HelpGroup: "分组名的一部分", HelpNamespace: "命名空间的名称或 ID", HelpType: "格式：yaml、json、properties、toml、xml、html、text", HelpTag: "标签",
	HelpApp: "应用名的一部分", HelpBy: "最后修改人", HelpKey: "键的完整路径的一部分", HelpValue: "值的一部分；与 key: 同用时须在同一行",
	HelpAge: "七天内修改过；用 > 表示更早；单位为 m（分）、h（时）、d（天）、w（周）", HelpListener: "无人监听；any 表示有客户端监听，behind 表示有客户端落后",

	EmptyTitle: "%s 中还没有配置", EmptyText: "配置是一段有名称的文本，应用读取它，并在它变化时收到通知。可以在这里编写第一个配置，或通过 API 发布：",
	EmptyCurl: "通过 API 发布", EmptyConnect: "接入应用", EmptyImport: "导入 ZIP",
	NoneTitle: "没有找到", NoneIn: "“%s”不在命名空间 %s 的任何名称、描述、内容或键中。", NoneInAll: "“%s”不在任何命名空间的名称、描述、内容或键中。",
	WidenAll: "搜索所有命名空间", WidenClear: "显示 %s 的全部配置",

	NoneSelected: "没有选择任何配置。请勾选名称前的复选框。", DeleteTitle: "删除 %s 个配置？", DeleteTitleOne: "删除这个配置？",
	DeleteText:  "监听的客户端会收到删除通知。历史记录会保留，每个配置都可以恢复。",
	DeletedMany: "已删除 %s 个配置。可以在“已删除”列表中逐个恢复。", DeletedNone: "所选配置此前已被删除。",
	Keep: "保留", Listeners: "监听的客户端",

	CloneTitle: "克隆 %s 个配置", CloneTitleOne: "克隆配置", CloneText: "复制内容、格式、描述、标签和所属应用，不复制灰度版本。",
	CloneTo: "目标命名空间", ClonePreview: "预览变更",
	CloneNowhere: "没有其他命名空间，请先新建一个。", CloneChosen: "克隆勾选的配置", CloneButton: "克隆",
	CloneState: "%s 中的状态", CloneNew: "新增", CloneSame: "相同", CloneDiffers: "不同，将被替换",
	CloneStale: "期间有配置发生了变化。请查看最新的预览后再次确认。", CloneNone: "没有勾选任何配置，未执行克隆。",
	Cloned: "已克隆 %s 个配置到 %s。", ClonedOne: "已克隆 1 个配置到 %s。", CloneFailed: "%s 个配置未能克隆。第一个是 %s：%s",
	TypedWrong: "请输入 %s 以确认。未做任何更改。",

	TagTitle: "%s 个配置的标签", TagTitleOne: "配置的标签", TagAdd: "添加", TagRemove: "移除", TagHint: "多个标签用逗号分隔。",
	TagNone: "请填写要添加或移除的标签。", TagSame: "这些配置的标签已经如此，无需更改。",
	Tagged: "已更改 %s 个配置的标签，客户端不受影响。", TaggedOne: "已更改 1 个配置的标签，客户端不受影响。",
	TagFailed: "%s 个配置未能更改。第一个是 %s：%s",
}
