package words

// Frame are the texts around every page: navigation, namespace, palette, keys, connection.
type Frame struct {
	SkipToContent, Languages, Menu, CloseMenu, Navigation string
	Overview, Configs, Feed, Clients, Cluster             string
	Namespaces, Transfer, Connect, Deleted, Services      string
	GroupConfigs, GroupServices, GroupServer              string
	Search, SearchHint                                    string // SearchHint: the palette's input
	Account, SignOut, Sessions                            string
	Theme, ThemeAuto, ThemeLight, ThemeDark               string
	Namespace, FilterNamespaces, AllNamespaces            string
	Protected                                             string
	Insecure, InsecureText                                string // InsecureText: address
	NotReady                                              string // reason
	Offline, Back                                         string
	SessionEnded                                          string
	PaletteNone, PaletteRecent, PaletteActions            string
	PalettePages, PaletteConfigs, PaletteNamespaces       string
	PaletteNew, PaletteTheme, PaletteLanguage             string
	PaletteClients, PaletteServices                       string
	Keys, KeysTitle, KeysClose                            string
	KeyPalette, KeyHelp, KeySearch, KeyNew, KeyEdit       string
	KeyHistory, KeyListeners, KeyMove, KeyOpen, KeySelect string
	KeyGo, KeyNamespace, KeyPublish, KeyEscape            string
	Undo, Undone, Close                                   string
	ServerTime                                            string
	Path                                                  string // the way from the list to the page
}

var englishFrame = Frame{
	SkipToContent: "Skip to content", Languages: "Language", Menu: "Menu", CloseMenu: "Close the menu", Navigation: "Main",
	Overview: "Overview", Configs: "Configurations", Feed: "Live feed", Clients: "Clients", Cluster: "Cluster",
	Namespaces: "Namespaces", Transfer: "Import and export", Connect: "Connect an application", Deleted: "Deleted", Services: "Services",
	GroupConfigs: "Configure", GroupServices: "Discover", GroupServer: "Server",
	Search: "Search or jump to…", SearchHint: "A page, a configuration, a namespace, an action",
	Account: "Account", SignOut: "Sign out", Sessions: "Sessions and password",
	Theme: "Theme", ThemeAuto: "Automatic", ThemeLight: "Light", ThemeDark: "Dark",
	Namespace: "Namespace", FilterNamespaces: "Filter namespaces", AllNamespaces: "All namespaces",
	Protected: "Protected",
	Insecure:  "Open to the network without a login for applications",
	InsecureText: "Anybody who reaches %s can read and change every configuration by the API, because the server was started with --insecure. " +
		"Let it listen on a loopback address, or keep the network to those you trust.",
	NotReady: "This node is not ready: %s",
	Offline:  "The server does not answer. What you typed stays here; trying again…", Back: "The server is back.",
	SessionEnded: "You are signed out. Sign in again in another tab; what you typed stays here.",
	PaletteNone:  "Nothing is called like that", PaletteRecent: "Recent", PaletteActions: "Actions",
	PalettePages: "Pages", PaletteConfigs: "Configurations", PaletteNamespaces: "Switch to namespace",
	PaletteNew: "New configuration", PaletteTheme: "Theme: %s", PaletteLanguage: "Language: %s",
	PaletteClients: "Clients", PaletteServices: "Services",
	Keys: "Keyboard", KeysTitle: "Keys that work here", KeysClose: "Close",
	KeyPalette: "Search and jump anywhere", KeyHelp: "This help", KeySearch: "Into the search box", KeyNew: "New configuration", KeyEdit: "Edit what is open",
	KeyHistory: "Its history", KeyListeners: "Who listens for it", KeyMove: "Next and previous row", KeyOpen: "Open the row", KeySelect: "Select the row; with Shift, up to it",
	KeyGo: "Go to: overview, configurations, services, feed, clients, cluster", KeyNamespace: "Switch the namespace", KeyPublish: "Review and publish, in the editor",
	KeyEscape: "Close; in the editor, Tab leaves it afterwards",
	Undo:      "Undo", Undone: "Undone", Close: "Close",
	ServerTime: "Server time", Path: "Path",
}

var chineseFrame = Frame{
	SkipToContent: "跳到内容", Languages: "语言", Menu: "菜单", CloseMenu: "关闭菜单", Navigation: "主导航",
	Overview: "概览", Configs: "配置列表", Feed: "实时动态", Clients: "客户端", Cluster: "集群",
	Namespaces: "命名空间", Transfer: "导入与导出", Connect: "接入应用", Deleted: "已删除", Services: "服务列表",
	GroupConfigs: "配置管理", GroupServices: "服务发现", GroupServer: "服务器",
	Search: "搜索或跳转…", SearchHint: "页面、配置、命名空间或操作",
	Account: "账号", SignOut: "退出登录", Sessions: "会话与密码",
	Theme: "主题", ThemeAuto: "跟随系统", ThemeLight: "浅色", ThemeDark: "深色",
	Namespace: "命名空间", FilterNamespaces: "筛选命名空间", AllNamespaces: "所有命名空间",
	Protected: "受保护",
	Insecure:  "对网络开放，应用无需登录",
	InsecureText: "服务器以 --insecure 启动，任何能访问 %s 的人都可以通过 API 读取和修改所有配置。" +
		"请改为监听回环地址，或只允许可信的网络访问。",
	NotReady: "本节点尚未就绪：%s",
	Offline:  "服务器没有响应。您输入的内容仍在这里，正在重试…", Back: "服务器已恢复。",
	SessionEnded: "您已退出登录。请在另一个标签页中重新登录，您输入的内容仍在这里。",
	PaletteNone:  "没有找到匹配的内容", PaletteRecent: "最近使用", PaletteActions: "操作",
	PalettePages: "页面", PaletteConfigs: "配置", PaletteNamespaces: "切换命名空间",
	PaletteNew: "新建配置", PaletteTheme: "主题：%s", PaletteLanguage: "语言：%s",
	PaletteClients: "客户端", PaletteServices: "服务",
	Keys: "键盘", KeysTitle: "可用的快捷键", KeysClose: "关闭",
	KeyPalette: "搜索并跳转到任意位置", KeyHelp: "显示本帮助", KeySearch: "进入搜索框", KeyNew: "新建配置", KeyEdit: "编辑当前配置",
	KeyHistory: "查看历史", KeyListeners: "查看监听者", KeyMove: "下一行与上一行", KeyOpen: "打开该行", KeySelect: "选中该行；按住 Shift 选到该行",
	KeyGo: "前往：概览、配置、服务、动态、客户端、集群", KeyNamespace: "切换命名空间", KeyPublish: "在编辑器中预览并发布",
	KeyEscape: "关闭；在编辑器中按下后可用 Tab 离开",
	Undo:      "撤销", Undone: "已撤销", Close: "关闭",
	ServerTime: "服务器时间", Path: "路径",
}
