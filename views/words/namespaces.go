package words

// Namespaces are the texts of the namespaces.
type Namespaces struct {
	Title, Lead                         string
	Name, ID, Configs, Created, Actions string
	New, NewTitle, NewButton            string
	NameHint, IDHint                    string
	NameBad, IDBad, IDTaken             string
	TooMany                             string // number
	Default, DefaultDesc                string
	EditTitle                           string // name
	Saved, Added, Removed               string // name
	RemoveTitle                         string // name
	RemoveText                          string
	NotEmpty                            string // number
	Filter                              string
	None                                string
	DescBad                             string // number
}

var englishNamespaces = Namespaces{
	Title: "Namespaces", Lead: "A namespace keeps the configurations of one environment or team apart from those of others. Applications name it by its ID.",
	Name: "Name", ID: "ID", Configs: "Configurations", Created: "Created", Actions: "Actions",
	New: "New namespace", NewTitle: "New namespace", NewButton: "Create namespace",
	NameHint: "Shown to people, as “Production, Frankfurt”. One that has “prod” in it is marked and asks before it is changed.",
	IDHint:   "What applications have in their settings; it can't be changed later. Letters, digits, _ and -, up to 64. Left empty, one is made up.",
	NameBad:  "A name has 1 to 256 characters, without @ # $ % ^ & *.",
	IDBad:    "An ID has letters, digits, _ and -, up to 64 of them.", IDTaken: "There is a namespace with this ID.",
	TooMany: "There are %s namespaces, the most that the setting max-namespaces allows.",
	Default: "default", DefaultDesc: "Used by applications that name no namespace. It can't be removed.",
	EditTitle: "Change %s",
	Saved:     "%s is saved.", Added: "%s is there.", Removed: "%s is removed.",
	RemoveTitle: "Remove %s?", RemoveText: "It holds nothing. Applications that name its ID still work, and find nothing.",
	NotEmpty: "Configurations in it: %s. Delete or move them first.",
	Filter:   "Filter namespaces",
	None:     "No namespace has this in its name or ID.", DescBad: "A description has at most %s characters.",
}

var chineseNamespaces = Namespaces{
	Title: "命名空间", Lead: "命名空间把一个环境或团队的配置与其他的隔离开。应用通过命名空间 ID 引用它。",
	Name: "名称", ID: "命名空间 ID", Configs: "配置数", Created: "创建时间", Actions: "操作",
	New: "新建命名空间", NewTitle: "新建命名空间", NewButton: "创建命名空间",
	NameHint: "显示给人看的名称，例如“生产环境-上海”。名称中含有 prod 或“生产”的命名空间会被标记，修改前需要确认。",
	IDHint:   "写在应用设置中的值，之后不能修改。字母、数字、_ 和 -，最多 64 个字符。留空则自动生成。",
	NameBad:  "名称为 1 到 256 个字符，不能包含 @ # $ % ^ & *。",
	IDBad:    "ID 只能包含字母、数字、_ 和 -，最多 64 个字符。", IDTaken: "已存在使用该 ID 的命名空间。",
	TooMany: "已有 %s 个命名空间，达到设置项 max-namespaces 的上限。",
	Default: "默认", DefaultDesc: "未指定命名空间的应用使用它，不能删除。",
	EditTitle: "修改 %s",
	Saved:     "%s 已保存。", Added: "%s 已创建。", Removed: "%s 已删除。",
	RemoveTitle: "删除 %s？", RemoveText: "其中没有配置。仍引用该 ID 的应用可以继续运行，但读不到任何配置。",
	NotEmpty: "其中还有 %s 个配置，请先删除或移走它们。",
	Filter:   "筛选命名空间",
	None:     "没有名称或 ID 包含该文字的命名空间。", DescBad: "描述最多 %s 个字符。",
}
