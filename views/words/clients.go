package words

// Clients are the texts of who listens.
type Clients struct {
	Title, Lead                              string
	Client, AppSDK, Labels, Transport        string
	Since, State, MD5, Push, Ack, Actions    string
	PushHint, AckHint                        string
	Listens, NoApp                           string
	GRPC, HTTP                               string
	Canary                                   string // name
	Waits, Away                              string
	PollAsks                                 string
	Filter, AllStates, NotInSync, OnlyCanary string
	AllTransports, Apply                     string
	Absent                                   string // nodes
	Node                                     string
	Progress                                 string
	AllInSync, SomeInSync                    string // numbers in sync (of all)
	BehindNow                                string // number, longest
	AllAfter                                 string // number, seconds
	Published                                string // revision
	PublishedSince                           string // revision, how long
	PublishedNobody, Superseded              string
	Nobody, NobodyText, NobodyAction         string
	NoneFound, NoneFoundText, ShowAll        string
	TellAll                                  string // number
	Tell, TellOf                             string // TellOf: client
	Told, ToldNone                           string // Told: number
	CSV                                      string
	Never                                    string
	Attempts                                 string // number
	None, NoneText, NoneAction               string
	FigureGRPC, FigureHTTP, FigureKeys       string
	FigureBehind, FigureLooping              string
	FigureBeats, FigureUDP                   string
	Registers, Subscribes, Heard             string
	SameAddress, Registered                  string
	BehindOn                                 string // number
	ID, Address, Socket, App, SDK, Tag       string
	NamespaceOf, Connected, ConnectedNow     string
	ListensFor                               string // number
	ListensNothing, Has, Wants               string
	Timeline, TimelineNone                   string
	Gone, GoneText                           string
	Seconds                                  string // number
	AgoOf                                    string // how long
	CSVClient, CSVAddress, CSVConnected      string
	CSVBehindFor, CSVWants, CSVRevision      string
	LoopingHint, NeverAckedHint, StateLegend string
}

var englishClients = Clients{
	Title: "Clients", Lead: "Everybody who listens for configurations on this server, registers instances or subscribes to services.",
	Client: "Client", AppSDK: "Application", Labels: "Labels", Transport: "Transport",
	Since: "Connected", State: "State", MD5: "MD5 it has", Push: "Last push", Ack: "Last ack", Actions: "Actions",
	PushHint: "When the server told it last", AckHint: "When it acknowledged a push last",
	Listens: "Listens for", Registers: "Registers", Subscribes: "Subscribes to", NoApp: "no name",
	GRPC: "gRPC", HTTP: "long polling",
	Canary: "canary %s",
	Waits:  "waits", Away: "between two polls",
	PollAsks: "It polls, and asks by itself",
	Filter:   "Address, application, SDK or label", AllStates: "Any state", NotInSync: "Not in sync", OnlyCanary: "See a canary",
	AllTransports: "Any transport", Apply: "Filter",
	Absent: "These nodes did not answer, so their clients are not counted here: %s.", Node: "Node",
	Progress:  "Clients that have the newest",
	AllInSync: "All %s in sync", SomeInSync: "%s of %s in sync",
	BehindNow:       "%s behind, the longest for %s",
	AllAfter:        "All %s in sync after %s",
	Published:       "Revision %s is published.",
	PublishedSince:  "Revision %s was published %s ago.",
	PublishedNobody: "Nobody listens for it now. Clients get it when they read.", Superseded: "A newer revision was published since; what is shown here is about that one.",
	Nobody: "Nobody listens for this configuration", NobodyText: "An application appears here as soon as it adds a listener, or reads the configuration through a framework that refreshes it.", NobodyAction: "Show how to connect",
	NoneFound: "No client is like that", NoneFoundText: "None of those who are connected matches the filter.", ShowAll: "Show all",
	TellAll: "Push again to %s behind", Tell: "Push again", TellOf: "Push again to %s",
	Told: "%s told again; each is in sync when it has read the newest.", ToldNone: "Nobody was told: none of them is behind on an open connection now.",
	CSV:      "CSV",
	Never:    "never",
	Attempts: "told %s times",
	None:     "No client is connected", NoneText: "An application appears here as soon as its SDK connects, polls or sends a heartbeat.", NoneAction: "Connect an application",
	FigureGRPC: "By gRPC", FigureHTTP: "By polling", FigureKeys: "Listenings",
	FigureBehind: "Behind", FigureLooping: "Looping", FigureBeats: "By heartbeats", FigureUDP: "Told over UDP",
	Heard: "Last heard", SameAddress: "Other clients of this address", Registered: "registered",
	BehindOn: "behind on %s",
	ID:       "ID", Address: "Address", Socket: "Socket", App: "Application", SDK: "SDK", Tag: "Tag",
	NamespaceOf: "Namespace", Connected: "Connected", ConnectedNow: "connected",
	ListensFor:     "Listens for %s",
	ListensNothing: "It is connected and listens for nothing.", Has: "Has", Wants: "Is to have",
	Timeline: "What happened", TimelineNone: "Nothing since the server started, or no longer held.",
	Gone: "This client is not connected", GoneText: "It has closed its connection, or did not poll for a minute. When it comes back it has another ID.",
	AgoOf: "%s ago", Seconds: "%s s",
	CSVClient: "client", CSVAddress: "address", CSVConnected: "connected", CSVBehindFor: "behind for (s)", CSVWants: "MD5 it is to have", CSVRevision: "revision",
	LoopingHint: "It asks again and again with the same wrong MD5, though nothing changed", NeverAckedHint: "It was told more than once and never acknowledged",
	StateLegend: "State",
}

var chineseClients = Clients{
	Title: "客户端", Lead: "在本服务器上监听配置、注册实例或订阅服务的所有客户端。",
	Client: "客户端", AppSDK: "应用", Labels: "标签", Transport: "连接方式",
	Since: "连接时间", State: "状态", MD5: "持有的 MD5", Push: "上次推送", Ack: "上次确认", Actions: "操作",
	PushHint: "服务器上次通知它的时间", AckHint: "它上次确认推送的时间",
	Listens: "监听数", Registers: "注册数", Subscribes: "订阅数", NoApp: "未命名",
	GRPC: "gRPC 长连接", HTTP: "长轮询",
	Canary: "灰度 %s",
	Waits:  "等待中", Away: "两次轮询之间",
	PollAsks: "该客户端使用轮询，会自行拉取",
	Filter:   "地址、应用、SDK 或标签", AllStates: "全部状态", NotInSync: "未同步", OnlyCanary: "命中灰度",
	AllTransports: "全部连接方式", Apply: "筛选",
	Absent: "以下节点没有回应，它们的客户端未计入：%s。", Node: "节点",
	Progress:  "已获得最新版本的客户端",
	AllInSync: "%s 个客户端全部已同步", SomeInSync: "已同步 %s / %s",
	BehindNow:       "%s 个落后，最久 %s",
	AllAfter:        "%s 个客户端全部已同步，用时 %s",
	Published:       "版本 %s 已发布。",
	PublishedSince:  "版本 %s 发布于 %s前。",
	PublishedNobody: "目前无人监听，客户端会在下次读取时得到它。", Superseded: "此后又发布了更新的版本，这里显示的是最新版本的同步情况。",
	Nobody: "该配置目前无人监听", NobodyText: "应用一旦添加监听器，或通过支持自动刷新的框架读取该配置，就会出现在这里。", NobodyAction: "查看接入方法",
	NoneFound: "没有符合条件的客户端", NoneFoundText: "已连接的客户端中没有符合筛选条件的。", ShowAll: "显示全部",
	TellAll: "重新推送给 %s 个落后的客户端", Tell: "重新推送", TellOf: "重新推送给 %s",
	Told: "已重新通知 %s 个客户端，读取到最新版本后即为已同步。", ToldNone: "没有通知任何客户端：当前没有落后且保持连接的客户端。",
	CSV:      "导出 CSV",
	Never:    "从未",
	Attempts: "已通知 %s 次",
	None:     "没有客户端连接", NoneText: "应用的 SDK 建立连接、开始轮询或发送心跳后，就会出现在这里。", NoneAction: "接入应用",
	FigureGRPC: "gRPC 连接", FigureHTTP: "长轮询", FigureKeys: "监听总数",
	FigureBehind: "落后", FigureLooping: "循环拉取", FigureBeats: "HTTP 心跳", FigureUDP: "UDP 推送",
	Heard: "上次心跳或查询", SameAddress: "同一地址的其他客户端", Registered: "已注册",
	BehindOn: "%s 项落后",
	ID:       "客户端 ID", Address: "地址", Socket: "套接字", App: "应用", SDK: "SDK 版本", Tag: "标记",
	NamespaceOf: "命名空间", Connected: "连接时间", ConnectedNow: "已连接",
	ListensFor:     "监听 %s 个配置",
	ListensNothing: "该客户端已连接，但没有监听任何配置。", Has: "持有", Wants: "应有",
	Timeline: "事件记录", TimelineNone: "服务器启动以来没有事件，或记录已不再保留。",
	Gone: "该客户端未连接", GoneText: "它已断开连接，或一分钟内没有轮询。重新连接后会使用新的客户端 ID。",
	AgoOf: "%s前", Seconds: "%s 秒",
	CSVClient: "客户端", CSVAddress: "地址", CSVConnected: "连接时间", CSVBehindFor: "落后时长（秒）", CSVWants: "应有的 MD5", CSVRevision: "版本号",
	LoopingHint: "没有任何变更，它却一再以同样错误的 MD5 拉取", NeverAckedHint: "已多次通知，但从未确认",
	StateLegend: "状态",
}
