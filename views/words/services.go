package words

// Services are the texts of services, their instances and subscribers.
type Services struct {
	Title, Lead, New                                      string
	Name, Group, Filter, FilterGroup                      string
	ShowAll, OnlyFilled, OnlyUnhealthy, Show              string
	Instances, Clusters, Subscribers, Kind, Protection    string
	HealthyOf                                             string // healthy, all
	NoInstances, AllOffline                               string
	Offlines                                              string // number
	Ephemeral, Persistent, EphemeralHint, PersistentHint  string
	Protected, ProtectedText                              string
	Threshold                                             string // share in percent
	NoThreshold                                           string
	Empty, EmptyText, EmptyAction                         string
	NoneFound, NoneFoundText, ShowEvery                   string
	Absent, AbsentText, AbsentAction                      string
	TabInstances, TabSubscribers, TabSettings             string
	DeleteTitle, DeleteText, NotEmpty                     string
	Deleted, Created, Saved                               string // Deleted, Created: name
	NewTitle, Create, KindLabel                           string
	GroupHint, NameHint                                   string
	Exists, IsNeeded, BadName                             string
	Instance, Address, State, Weight, Metadata            string
	RegisteredBy, LastBeat, Actions                       string
	FilterInstances, AllClusters, AnyState                string
	Online, Offline, Overridden                           string
	Healthy, Unhealthy                                    string
	ClusterOf                                             string // name
	WeightOwn                                             string // number
	MetadataMore                                          string // number
	OfflineBy                                             string // who, how long ago
	ChangedBy                                             string // who, how long ago
	NoInstanceYet, NoInstanceYetText, Add                 string
	NoInstanceFound, NoInstanceFoundText                  string
	TakeOffline, TakeOnline, TakeOfflineOf, TakeOnlineOf  string // …Of: instance
	IsOffline, IsOnline                                   string // instance
	ManyOffline, ManyOnline, ManyBack, ManyDrain          string // number
	Undone                                                string
	Selected                                              string // number
	Drain, DrainTitle, DrainText, DrainOver, DrainWait    string
	DrainBad                                              string
	Draining                                              string // instance
	DrainingUntil                                         string // how long
	Drained, DrainStop, DrainStopped, DrainButton         string
	Why, WhyText, WhyNone                                 string
	Gone                                                  string // how long ago
	GoneUnknown, NotThere                                 string
	Shown, Own                                            string
	By                                                    string // who
	Others                                                string
	OverrideTitle, OverrideText, OverrideLast             string
	AsRegistered, AsRegisteredIs                          string // AsRegisteredIs: value
	WeightHint, MetadataHint                              string
	WeightBad, PortBad, MetadataBad                       string
	MetadataLong                                          string // number
	OverrideSave, OverrideBack, OverrideSaved             string
	OverrideTaken                                         string // instance
	NothingOver                                           string
	AddTitle, AddText, AddButton                          string
	Added                                                 string // instance
	Port, Cluster, ClusterHint, WrongKind                 string
	Remove, RemoveTitle, RemoveText                       string
	Removed, Restored                                     string // instance
	ClusterList                                           string
	MarkHealthy, MarkUnhealthy                            string
	Marked                                                string // instance
	NodeOf, Since, Beats                                  string
	BeatTimes                                             string // three times in ms
	None, NoneText                                        string
	SettingsTitle, ThresholdLabel, ThresholdHint          string
	ThresholdBad, ServiceMetadataHint                     string
	Selector, SelectorNone, SelectorLabel, SelectorHint   string
	Expression, SelectorBad                               string
	Described                                             string // who, how long ago
	ClustersTitle, ClustersText, Checker, CheckerTitle    string
	CheckTCP, CheckHTTP, CheckMySQL, CheckGRPC, CheckNone string
	CheckPort, CheckPortHint, UseInstancePort             string
	CheckPath, CheckHeaders, CheckHeadersHint             string
	CheckExpected, CheckUser, CheckPassword               string
	CheckPasswordHint, CheckCommand, HTTPFields           string
	MySQLFields, NewCluster, EphemeralChecks              string
	ClusterSaved                                          string // name
	Registers, RegistersNothing, Subscribes               string // Registers, Subscribes: number
	ClientBeats, ClientLasting, ClientUDP                 string
	Service, LastPush, LastAck                            string
	What                                                  InstanceEvents
	Details                                               InstanceDetails
}

// InstanceEvents are what happens to an instance.
type InstanceEvents struct {
	Registered, Reregistered, Unhealthy, Healthy, Removed, Probed, Overridden, Uncovered string
}

// InstanceDetails say more of what happens to an instance.
type InstanceDetails struct {
	NoBeat            string // how long
	Closed            string // reason
	ClosedEnded       string
	Deregistered      string
	AsUnhealthy       string
	Replaced          string
	DrainedOffline    string
	Weight            string // value
	Keys              string // number
	DrainedWithin     string // how long
	OfflineLater      string // how long
	Disabled, Enabled string
}

var englishServices = Services{
	Title: "Services", Lead: "What applications register here, and who wants to find it.", New: "New service",
	Name: "Name", Group: "Group", Filter: "Part of a name, or an instance's address", FilterGroup: "Part of a group",
	ShowAll: "All services", OnlyFilled: "Hide empty ones", OnlyUnhealthy: "With unhealthy instances", Show: "Which services",
	Instances: "Instances", Clusters: "Clusters", Subscribers: "Subscribers", Kind: "Kind", Protection: "Protection",
	HealthyOf: "%s of %s healthy", NoInstances: "no instances", AllOffline: "all offline",
	Offlines:  "%s offline",
	Ephemeral: "ephemeral", Persistent: "persistent", EphemeralHint: "Instances live as long as the application that registered them", PersistentHint: "Instances stay until somebody removes them; the server probes their health",
	Protected: "protecting", ProtectedText: "So few instances are healthy that clients are shown all of them as healthy, so that the rest is not overrun.",
	Threshold: "below %s%% healthy", NoThreshold: "none",
	Empty: "No service is registered in this namespace", EmptyText: "A service appears here as soon as an application registers an instance of it. You can also create one by hand, to say what holds for it before.", EmptyAction: "Connect an application",
	NoneFound: "No service is like that", NoneFoundText: "None of this namespace's services matches the filter.", ShowEvery: "Show all",
	Absent: "There is no such service", AbsentText: "Nothing is registered under this name, and nobody described it. Services without instances are cleaned away after a minute unless they are described.", AbsentAction: "Create it",
	TabInstances: "Instances", TabSubscribers: "Subscribers", TabSettings: "Settings",
	DeleteTitle: "Delete this service?", DeleteText: "Its settings, its clusters and what lies over its instances are gone. An application that registers an instance makes it anew, without them.", NotEmpty: "It has instances and can't be deleted.",
	Deleted: "%s is deleted.", Created: "%s is created.", Saved: "The settings are saved.",
	NewTitle: "New service", Create: "Create", KindLabel: "Which instances it holds",
	GroupHint: "Services of one name in different groups are different ones.", NameHint: "As applications call it.",
	Exists: "There is such a service already.", IsNeeded: "This is needed.", BadName: "Blanks, Chinese characters and @@ can't be in it, and it can have at most 512 characters; a group at most 128 letters, digits and . : _ -",
	Instance: "Instance", Address: "Address", State: "State", Weight: "Weight", Metadata: "Metadata",
	RegisteredBy: "Registered by", LastBeat: "Last heartbeat", Actions: "Actions",
	FilterInstances: "Address or metadata", AllClusters: "All clusters", AnyState: "Any state",
	Online: "online", Offline: "offline", Overridden: "changed by hand",
	Healthy: "healthy", Unhealthy: "unhealthy",
	ClusterOf: "Cluster %s", WeightOwn: "registered as %s", MetadataMore: "and %s more",
	OfflineBy: "offline: %s, %s", ChangedBy: "changed by %s, %s",
	NoInstanceYet: "No instance is registered", NoInstanceYetText: "An instance appears here when an application registers it, or when you add one by hand that stays.", Add: "Add an instance",
	NoInstanceFound: "No instance is like that", NoInstanceFoundText: "None of the instances of this service matches the filter.",
	TakeOffline: "Take offline", TakeOnline: "Take online", TakeOfflineOf: "Take offline: %s", TakeOnlineOf: "Take online: %s",
	IsOffline: "%s is offline: clients no longer see it, however often it registers.", IsOnline: "%s is online.",
	ManyOffline: "%s instances are offline.", ManyOnline: "%s instances are online.", ManyBack: "%s instances are as they were registered.", ManyDrain: "%s instances are being drained.",
	Undone:   "That is taken back.",
	Selected: "%s selected",
	Drain:    "Drain", DrainTitle: "Drain", DrainText: "The weight sinks to nothing within the first time; after the second the instance is offline. A restart of the server or of the application changes nothing in this.", DrainOver: "Sink within (seconds)", DrainWait: "Then wait (seconds)",
	DrainBad: "Both times are whole numbers from 0 to 604,800 seconds, seven days.",
	Draining: "%s is being drained.", DrainingUntil: "being drained, offline in %s", Drained: "drained", DrainStop: "Stop draining", DrainStopped: "It has its weight again.", DrainButton: "Start draining",
	Why: "Why it is as it is", WhyText: "The last things that happened to this instance, the newest first.", WhyNone: "Nothing is known of it: it was registered before the server started, or so much has happened elsewhere since.",
	Gone: "gone %s", GoneUnknown: "No such instance is registered, and nothing is known of one.", NotThere: "not registered",
	Shown: "What clients see", Own: "As registered", By: "by %s", Others: "Also registered by",
	OverrideTitle: "Change by hand", OverrideText: "What is said here lies over what the application registers, and survives each new registration.", OverrideLast: "Last changed",
	AsRegistered: "as registered", AsRegisteredIs: "as registered: %s",
	WeightHint: "0 to 10,000; leave it empty to take the registered one. Of weight 0 clients get the instance, but do not choose it.", MetadataHint: "A JSON object of texts. Its keys are added to the registered ones, or take their place.",
	WeightBad: "The weight is a number from 0 to 10,000.", PortBad: "The port is a number from 0 to 65,535.", MetadataBad: "This is no JSON object of texts, numbers, true and false.", MetadataLong: "Keys and values may have %s characters in all.",
	OverrideSave: "Apply", OverrideBack: "Back to as registered", OverrideSaved: "It is applied to %s.", OverrideTaken: "%s is as it was registered.", NothingOver: "Nothing was changed by hand.",
	AddTitle: "Add a persistent instance", AddText: "It stays until somebody removes it, and the server probes whether it is healthy.", AddButton: "Add",
	Added: "%s is added.", Port: "Port", Cluster: "Cluster", ClusterHint: "Letters, digits and -; DEFAULT when empty.", WrongKind: "This service holds ephemeral instances, which applications register themselves. A service holds one kind only.",
	Remove: "Remove", RemoveTitle: "Remove this instance?", RemoveText: "Clients no longer find it. It can be added again.", Removed: "%s is removed.", Restored: "%s is there again.",
	ClusterList: "Clusters",
	MarkHealthy: "Mark as healthy", MarkUnhealthy: "Mark as unhealthy", Marked: "The health of %s is set.",
	NodeOf: "Owner", Since: "Registered since", Beats: "Heartbeats", BeatTimes: "every %s ms, unhealthy after %s ms, gone after %s ms",
	None: "Nobody subscribes to this service", NoneText: "An application appears here as soon as its SDK subscribes to the service. Those that only ask now and then do not.",
	SettingsTitle: "Settings", ThresholdLabel: "Protection threshold", ThresholdHint: "From 0 to 1. When the share of healthy instances sinks to this, clients are shown all of them as healthy. 0 is never.",
	ThresholdBad: "The threshold is a number from 0 to 1.", ServiceMetadataHint: "A JSON object of texts.",
	Selector: "Selector", SelectorNone: "none: clients see all instances", SelectorLabel: "by label", SelectorHint: "CONSUMER.label.zone = PROVIDER.label.zone shows a client the instances whose metadata has the same zone as its own label.",
	Expression: "Expression", SelectorBad: "The expression can't be read. It is CONSUMER.label.A = PROVIDER.label.A, with & between several.",
	Described:     "described by %s, %s",
	ClustersTitle: "Clusters and health checks", ClustersText: "How the server finds out whether persistent instances of a cluster are healthy.", Checker: "Health check", CheckerTitle: "Health check of the cluster",
	CheckTCP: "TCP: the port accepts connections", CheckHTTP: "HTTP: a path answers", CheckMySQL: "MySQL: a statement runs", CheckGRPC: "gRPC health protocol", CheckNone: "none: people decide",
	CheckPort: "Port to probe", CheckPortHint: "Used where the port of the instance is not.", UseInstancePort: "Probe each instance's own port",
	CheckPath: "Path", CheckHeaders: "Headers", CheckHeadersHint: "name:value|name:value", CheckExpected: "Expected status", CheckUser: "User", CheckPassword: "Password",
	CheckPasswordHint: "Leave it empty to keep the one that is held.", CheckCommand: "Statement", HTTPFields: "For HTTP", MySQLFields: "For MySQL", NewCluster: "Describe a cluster",
	EphemeralChecks: "Ephemeral instances are not probed: their connection or their heartbeats tell.", ClusterSaved: "The cluster %s is saved.",
	Registers: "Registers %s", RegistersNothing: "It registers nothing.", Subscribes: "Subscribes to %s",
	ClientBeats: "heartbeats over HTTP", ClientLasting: "persistent instances", ClientUDP: "told over UDP",
	Service: "Service", LastPush: "Last push", LastAck: "Last ack",
	What: InstanceEvents{Registered: "registered", Reregistered: "registered anew", Unhealthy: "unhealthy", Healthy: "healthy", Removed: "removed", Probed: "probed", Overridden: "changed by hand", Uncovered: "change taken back"},
	Details: InstanceDetails{
		NoBeat: "no heartbeat for %s", Closed: "connection closed: %s", ClosedEnded: "the connection ended", Deregistered: "deregistered", AsUnhealthy: "as unhealthy",
		Replaced: "the client registered others in its place", DrainedOffline: "drained: offline", Weight: "weight %s", Keys: "keys of metadata: %s",
		DrainedWithin: "drained within %s", OfflineLater: "offline %s later", Disabled: "online → offline", Enabled: "offline → online",
	},
}

var chineseServices = Services{
	Title: "服务列表", Lead: "应用在此注册的服务，以及谁在订阅它们。", New: "新建服务",
	Name: "服务名", Group: "分组", Filter: "服务名的一部分，或实例地址", FilterGroup: "分组的一部分",
	ShowAll: "全部服务", OnlyFilled: "隐藏空服务", OnlyUnhealthy: "有不健康实例", Show: "显示哪些服务",
	Instances: "实例", Clusters: "集群数", Subscribers: "订阅者", Kind: "类型", Protection: "保护阈值",
	HealthyOf: "健康 %s / %s", NoInstances: "没有实例", AllOffline: "全部已下线",
	Offlines:  "%s 个已下线",
	Ephemeral: "临时", Persistent: "持久", EphemeralHint: "实例随注册它的应用一同存在和消失", PersistentHint: "实例一直保留到有人将其删除，由服务器探测其健康状态",
	Protected: "保护中", ProtectedText: "健康实例过少，因此向客户端返回全部实例并视为健康，以免剩余实例被压垮。",
	Threshold: "健康比例低于 %s%% 时", NoThreshold: "未设置",
	Empty: "该命名空间中没有服务", EmptyText: "应用一旦注册实例，服务就会出现在这里。也可以先手动创建服务并预先设置。", EmptyAction: "接入应用",
	NoneFound: "没有符合条件的服务", NoneFoundText: "该命名空间的服务中没有符合筛选条件的。", ShowEvery: "显示全部",
	Absent: "该服务不存在", AbsentText: "没有以此名称注册的实例，也没有相关设置。没有实例且未经设置的服务会在一分钟后自动清理。", AbsentAction: "创建服务",
	TabInstances: "实例", TabSubscribers: "订阅者", TabSettings: "设置",
	DeleteTitle: "删除该服务？", DeleteText: "其设置、集群以及对实例的手动修改都会删除。应用再次注册实例时服务会重新出现，但不再带有这些设置。", NotEmpty: "该服务还有实例，无法删除。",
	Deleted: "已删除 %s。", Created: "已创建 %s。", Saved: "设置已保存。",
	NewTitle: "新建服务", Create: "创建", KindLabel: "实例类型",
	GroupHint: "不同分组中的同名服务互不相关。", NameHint: "应用使用的名称。",
	Exists: "该服务已存在。", IsNeeded: "此项必填。", BadName: "不能包含空格、汉字和 @@，最多 512 个字符；分组最多 128 个字符，只能使用字母、数字和 . : _ -",
	Instance: "实例", Address: "地址", State: "状态", Weight: "权重", Metadata: "元数据",
	RegisteredBy: "注册者", LastBeat: "上次心跳", Actions: "操作",
	FilterInstances: "地址或元数据", AllClusters: "全部集群", AnyState: "全部状态",
	Online: "在线", Offline: "已下线", Overridden: "手动修改过",
	Healthy: "健康", Unhealthy: "不健康",
	ClusterOf: "集群 %s", WeightOwn: "注册值 %s", MetadataMore: "另有 %s 项",
	OfflineBy: "已下线：%s，%s", ChangedBy: "由 %s 修改，%s",
	NoInstanceYet: "没有注册的实例", NoInstanceYetText: "应用注册实例后会显示在这里，也可以手动添加持久实例。", Add: "添加实例",
	NoInstanceFound: "没有符合条件的实例", NoInstanceFoundText: "该服务的实例中没有符合筛选条件的。",
	TakeOffline: "下线", TakeOnline: "上线", TakeOfflineOf: "下线：%s", TakeOnlineOf: "上线：%s",
	IsOffline: "%s 已下线：无论它重新注册多少次，客户端都不再看到它。", IsOnline: "%s 已上线。",
	ManyOffline: "%s 个实例已下线。", ManyOnline: "%s 个实例已上线。", ManyBack: "%s 个实例已恢复为注册时的状态。", ManyDrain: "%s 个实例正在排空。",
	Undone:   "已撤销。",
	Selected: "已选择 %s 项",
	Drain:    "排空", DrainTitle: "排空流量", DrainText: "在第一段时间内权重逐步降为零，再经过第二段时间后实例下线。服务器或应用重启都不影响这一过程。", DrainOver: "降低权重用时（秒）", DrainWait: "随后等待（秒）",
	DrainBad: "两个时间都应为 0 到 604,800 秒（七天）之间的整数。",
	Draining: "正在排空 %s。", DrainingUntil: "正在排空，%s后下线", Drained: "已排空", DrainStop: "停止排空", DrainStopped: "权重已恢复。", DrainButton: "开始排空",
	Why: "为何如此", WhyText: "该实例最近发生的事件，最新的在前。", WhyNone: "没有相关记录：它在服务器启动前注册，或记录已被更新的事件挤出。",
	Gone: "%s消失", GoneUnknown: "没有这样的实例，也没有相关记录。", NotThere: "未注册",
	Shown: "客户端所见", Own: "注册内容", By: "来自 %s", Others: "同时注册者",
	OverrideTitle: "手动修改", OverrideText: "这里的设置覆盖应用注册的内容，应用重新注册后依然有效。", OverrideLast: "最近修改",
	AsRegistered: "按注册内容", AsRegisteredIs: "按注册内容：%s",
	WeightHint: "0 到 10,000；留空则使用注册的权重。权重为 0 时客户端仍能获得该实例，但不会选中它。", MetadataHint: "值为文本的 JSON 对象。其中的键会加入或替换注册的元数据。",
	WeightBad: "权重应为 0 到 10,000 之间的数。", PortBad: "端口应为 0 到 65,535 之间的整数。", MetadataBad: "不是由文本、数字、true、false 构成的 JSON 对象。", MetadataLong: "键与值合计最多 %s 个字符。",
	OverrideSave: "应用修改", OverrideBack: "恢复为注册内容", OverrideSaved: "已对 %s 生效。", OverrideTaken: "%s 已恢复为注册时的状态。", NothingOver: "没有手动修改。",
	AddTitle: "添加持久实例", AddText: "该实例会一直保留到有人将其删除，由服务器探测其健康状态。", AddButton: "添加",
	Added: "已添加 %s。", Port: "端口", Cluster: "集群", ClusterHint: "字母、数字和 -，留空则为 DEFAULT。", WrongKind: "该服务持有由应用自行注册的临时实例，一个服务只能持有一种实例。",
	Remove: "删除", RemoveTitle: "删除该实例？", RemoveText: "客户端将不再发现它。之后可以重新添加。", Removed: "已删除 %s。", Restored: "%s 已恢复。",
	ClusterList: "集群",
	MarkHealthy: "标记为健康", MarkUnhealthy: "标记为不健康", Marked: "已设置 %s 的健康状态。",
	NodeOf: "归属节点", Since: "注册时间", Beats: "心跳", BeatTimes: "每 %s 毫秒一次，%s 毫秒后不健康，%s 毫秒后移除",
	None: "该服务没有订阅者", NoneText: "应用的 SDK 订阅该服务后会显示在这里。只是偶尔查询的应用不会显示。",
	SettingsTitle: "设置", ThresholdLabel: "保护阈值", ThresholdHint: "0 到 1。健康实例的比例降到该值时，向客户端返回全部实例并视为健康。0 表示从不。",
	ThresholdBad: "保护阈值应为 0 到 1 之间的数。", ServiceMetadataHint: "值为文本的 JSON 对象。",
	Selector: "选择器", SelectorNone: "无：客户端看到全部实例", SelectorLabel: "按标签", SelectorHint: "CONSUMER.label.zone = PROVIDER.label.zone 表示客户端只看到元数据中 zone 与其标签相同的实例。",
	Expression: "表达式", SelectorBad: "无法解析该表达式。格式为 CONSUMER.label.A = PROVIDER.label.A，多个条件以 & 连接。",
	Described:     "由 %s 设置，%s",
	ClustersTitle: "集群与健康检查", ClustersText: "服务器如何判断集群中的持久实例是否健康。", Checker: "健康检查", CheckerTitle: "集群的健康检查",
	CheckTCP: "TCP：端口可以连接", CheckHTTP: "HTTP：路径有响应", CheckMySQL: "MySQL：语句可以执行", CheckGRPC: "gRPC 健康检查协议", CheckNone: "无：由人工决定",
	CheckPort: "探测端口", CheckPortHint: "不使用实例端口时生效。", UseInstancePort: "探测每个实例自己的端口",
	CheckPath: "路径", CheckHeaders: "请求头", CheckHeadersHint: "格式为“名称:值|名称:值”", CheckExpected: "期望的状态码", CheckUser: "用户名", CheckPassword: "密码",
	CheckPasswordHint: "留空则保留现有密码。", CheckCommand: "语句", HTTPFields: "HTTP 检查", MySQLFields: "MySQL 检查", NewCluster: "设置集群",
	EphemeralChecks: "临时实例不会被探测，其健康状态由连接或心跳决定。", ClusterSaved: "集群 %s 已保存。",
	Registers: "注册了 %s 个服务", RegistersNothing: "没有注册任何服务。", Subscribes: "订阅了 %s 个服务",
	ClientBeats: "HTTP 心跳", ClientLasting: "持久实例", ClientUDP: "UDP 推送",
	Service: "服务", LastPush: "上次推送", LastAck: "上次确认",
	What: InstanceEvents{Registered: "注册", Reregistered: "重新注册", Unhealthy: "变为不健康", Healthy: "恢复健康", Removed: "移除", Probed: "探测", Overridden: "手动修改", Uncovered: "取消手动修改"},
	Details: InstanceDetails{
		NoBeat: "%s没有心跳", Closed: "连接已关闭：%s", ClosedEnded: "连接结束", Deregistered: "主动注销", AsUnhealthy: "注册为不健康",
		Replaced: "客户端改为注册其他实例", DrainedOffline: "排空完成，已下线", Weight: "权重 %s", Keys: "元数据 %s 项",
		DrainedWithin: "在 %s内排空", OfflineLater: "%s后下线", Disabled: "在线 → 已下线", Enabled: "已下线 → 在线",
	},
}
