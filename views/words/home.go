package words

// Home are the texts of the first page.
type Home struct {
	Title                              string
	Ready, NotReady, State             string // State: role, clients, behind
	Figures                            string
	Configs, Namespaces                string
	Clients, ClientsNote               string // ClientsNote: number of pairs of client and configuration
	Behind, BehindNone, BehindNote     string
	Today, TodayNote                   string // TodayNote: number since the start
	TodayUnknown                       string
	Latest                             string
	ColumnConfig, ColumnChanged        string
	Removed                            string
	Alerts                             string
	AlertDisk                          string // free, share
	AlertBehind                        string // number
	AlertInsecure                      string
	Charts, Range15m, Range1h, Range24 string
	Table, ChartMax, ChartTime         string
	ChartEmpty, ChartFailed            string
	ChartTraffic, ChartLatency         string
	ChartClients, ChartMemory          string
	ChartFsync, ChartPush              string
	LinePublishes, LineReads           string
	LinePublishP50, LinePublishP99     string
	LinePushP99, LineFsyncP99          string
	LineClients, LineConnections       string
	LineBehind, LineRSS, LineHeap      string
	EmptyTitle, EmptyText, EmptyButton string
	EmptyConnect                       string
	TryTitle, TryText                  string
	StepPublish, StepPublishText       string
	StepRead, StepReadText             string
	StepWait, StepWaitText             string
	Answer                             string
	Node                               string
	Version, Running, Mode, Role       string
	Storage, Durability                string
	Standalone, Leader, Follower       string
	StorageSQLite, DurabilityFsync     string
	StorageMySQL, DurabilityMySQL      string // name of the database
	Reachable, ReachableYes, Gone      string // how long; how long
	Look                               string
	LookAPI, LookMetrics               string
	LookReady, LookState               string
}

var englishHome = Home{
	Title: "Overview",
	Ready: "Ready", NotReady: "Not ready", State: "%s · %s clients, %s behind",
	Figures: "Figures",
	Configs: "Configurations", Namespaces: "Namespaces",
	Clients: "Connected clients", ClientsNote: "they listen for %s",
	Behind: "Clients behind", BehindNone: "all have what was published", BehindNote: "not confirmed yet",
	Today: "Changes in 24 hours", TodayNote: "%s since the start", TodayUnknown: "can't be read at this moment",
	Latest:       "Latest changes",
	ColumnConfig: "Configuration", ColumnChanged: "Changed", Removed: "deleted",
	Alerts:        "Look at this",
	AlertDisk:     "Only %s of disk space are free, %s of all. Without space the server stops taking writes.",
	AlertBehind:   "Clients that have not confirmed a change for more than a minute: %s.",
	AlertInsecure: "Applications need no login on this server, and it listens on the network.",
	Charts:        "Charts", Range15m: "15 minutes", Range1h: "1 hour", Range24: "24 hours",
	Table: "As a table", ChartMax: "highest", ChartTime: "Time",
	ChartEmpty: "There was nothing to measure in this time.", ChartFailed: "The figures can't be read at this moment; trying again.",
	ChartTraffic: "Publishes and reads", ChartLatency: "Time to publish",
	ChartClients: "Clients", ChartMemory: "Memory",
	ChartFsync: "Time to sync to disk", ChartPush: "Time until clients confirm",
	LinePublishes: "Publishes", LineReads: "Reads",
	LinePublishP50: "half are faster than", LinePublishP99: "99 % are faster than",
	LinePushP99: "99 % are faster than", LineFsyncP99: "99 % are faster than",
	LineClients: "Clients", LineConnections: "Connections",
	LineBehind: "Behind", LineRSS: "Process", LineHeap: "Heap",
	EmptyTitle:  "Publish your first configuration",
	EmptyText:   "There is none yet. Write one here, or try these three commands: they publish one, read it, and wait for it to change. Nacos' clients work with this server as they are.",
	EmptyButton: "Write a configuration", EmptyConnect: "Connect an application",
	TryTitle:    "Try it with curl",
	TryText:     "Three commands that publish a configuration, read it, and wait for it to change.",
	StepPublish: "Publish", StepPublishText: "The answer comes when the write is synced to disk.",
	StepRead: "Read", StepReadText: "A client gets exactly the bytes that were published.",
	StepWait: "Wait for a change", StepWaitText: "This hangs for up to 30 seconds. Publish again with another content in a second terminal: the answer comes at once and names what changed. The long number is the MD5 of the content that the client has.",
	Answer:  "Answer",
	Node:    "This node",
	Version: "Version", Running: "Running for", Mode: "Mode", Role: "Role",
	Storage: "Storage", Durability: "Writes",
	Standalone: "standalone", Leader: "leader", Follower: "follower",
	StorageSQLite:   "embedded, in the data folder",
	DurabilityFsync: "synced to disk before they are acknowledged",
	StorageMySQL:    "MySQL: %s", DurabilityMySQL: "committed in the database before they are acknowledged",
	Reachable: "Database", ReachableYes: "can be used, for %s", Gone: "can't be used, for %s",
	Look:    "Look further",
	LookAPI: "Nacre's own API, as OpenAPI", LookMetrics: "Metrics for Prometheus",
	LookReady: "Readiness", LookState: "Server state, as Nacos' clients see it",
}

var chineseHome = Home{
	Title: "概览",
	Ready: "就绪", NotReady: "未就绪", State: "%s · %s 个客户端，%s 个落后",
	Figures: "指标",
	Configs: "配置", Namespaces: "命名空间",
	Clients: "已连接客户端", ClientsNote: "共监听 %s 项",
	Behind: "落后的客户端", BehindNone: "全部已收到最新配置", BehindNote: "尚未确认",
	Today: "24 小时内的改动", TodayNote: "启动以来 %s 次", TodayUnknown: "暂时无法读取",
	Latest:       "最近改动",
	ColumnConfig: "配置", ColumnChanged: "修改时间", Removed: "已删除",
	Alerts:        "需要注意",
	AlertDisk:     "磁盘仅剩 %s，占总量的 %s。空间用尽后服务器将停止写入。",
	AlertBehind:   "超过一分钟仍未确认改动的客户端：%s 个。",
	AlertInsecure: "应用访问本服务器无需登录，且服务器对网络开放。",
	Charts:        "图表", Range15m: "15 分钟", Range1h: "1 小时", Range24: "24 小时",
	Table: "以表格显示", ChartMax: "最高", ChartTime: "时间",
	ChartEmpty: "该时间段内没有数据。", ChartFailed: "暂时无法读取数据，正在重试。",
	ChartTraffic: "发布与读取", ChartLatency: "发布耗时",
	ChartClients: "客户端", ChartMemory: "内存",
	ChartFsync: "落盘耗时", ChartPush: "客户端确认耗时",
	LinePublishes: "发布", LineReads: "读取",
	LinePublishP50: "一半快于", LinePublishP99: "99% 快于",
	LinePushP99: "99% 快于", LineFsyncP99: "99% 快于",
	LineClients: "客户端", LineConnections: "连接",
	LineBehind: "落后", LineRSS: "进程内存", LineHeap: "堆内存",
	EmptyTitle:  "发布第一个配置",
	EmptyText:   "这里还没有配置。可以在此新建，也可以试试下面三条命令：发布一个配置、读取它、等待它变化。Nacos 的客户端无需修改即可使用本服务器。",
	EmptyButton: "新建配置", EmptyConnect: "接入应用",
	TryTitle:    "用 curl 试一试",
	TryText:     "三条命令：发布一个配置、读取它、等待它变化。",
	StepPublish: "发布", StepPublishText: "数据落盘之后才会返回。",
	StepRead: "读取", StepReadText: "客户端读到的与发布的逐字节相同。",
	StepWait: "等待变化", StepWaitText: "该命令最多挂起 30 秒。在另一个终端用不同的内容再次发布，它会立即返回并指出改动的配置。其中的长串是客户端已有内容的 MD5。",
	Answer:  "返回",
	Node:    "本节点",
	Version: "版本", Running: "已运行", Mode: "模式", Role: "角色",
	Storage: "存储", Durability: "写入",
	Standalone: "单机", Leader: "主节点", Follower: "从节点",
	StorageSQLite:   "内嵌存储，位于数据目录",
	DurabilityFsync: "落盘之后才确认",
	StorageMySQL:    "MySQL 数据库：%s", DurabilityMySQL: "在数据库中提交之后才确认",
	Reachable: "数据库", ReachableYes: "可用，已持续 %s", Gone: "不可用，已持续 %s",
	Look:    "更多信息",
	LookAPI: "Nacre 自有 API（OpenAPI 描述）", LookMetrics: "Prometheus 指标",
	LookReady: "就绪状态", LookState: "Nacos 客户端看到的服务器状态",
}
