package words

// Home are the texts of the first page.
type Home struct {
	Title                          string
	Ready, ReadyText               string // ReadyText: address
	NotReady                       string
	Insecure, InsecureText         string // InsecureText: address
	Figures                        string
	Configs, Namespaces            string
	Listening, ListeningNote       string // ListeningNote: number of pairs of client and configuration
	Writes, WritesNote             string // WritesNote: number of fsyncs
	Latest, LatestNone             string
	ColumnConfig, ColumnChanged    string
	ByAddress                      string // address
	EmptyTitle, EmptyText          string
	TryTitle, TryText              string
	StepPublish, StepPublishText   string
	StepRead, StepReadText         string
	StepWait, StepWaitText         string
	Answer                         string
	Node                           string
	Version, Running, Mode, Role   string
	Storage, Durability            string
	Standalone, Leader, Follower   string
	StorageSQLite, DurabilityFsync string
	Login, LoginOff                string
	Look                           string
	LookAPI, LookMetrics           string
	LookReady, LookState           string
}

var englishHome = Home{
	Title: "Overview",
	Ready: "Ready", ReadyText: "This node answers requests on %s.",
	NotReady:     "Not ready",
	Insecure:     "Open to the network without a login",
	InsecureText: "Anybody who reaches %s can read and change every configuration, because the server was started with --insecure.",
	Figures:      "Figures",
	Configs:      "Configurations", Namespaces: "Namespaces",
	Listening: "Connected clients", ListeningNote: "listenings: %s",
	Writes: "Writes since start", WritesNote: "%s fsyncs in all",
	Latest: "Latest changes", LatestNone: "Nothing was changed yet.",
	ColumnConfig: "Configuration", ColumnChanged: "Changed",
	ByAddress:   "from %s",
	EmptyTitle:  "Publish your first configuration",
	EmptyText:   "There is none yet. These three commands publish one, read it, and wait for it to change. Nacos' clients work with this server as they are.",
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
	Login:           "Login", LoginOff: "off",
	Look:    "Look further",
	LookAPI: "Nacre's own API, as OpenAPI", LookMetrics: "Metrics for Prometheus",
	LookReady: "Readiness", LookState: "Server state, as Nacos' clients see it",
}

var chineseHome = Home{
	Title: "概览",
	Ready: "就绪", ReadyText: "本节点正在 %s 上提供服务。",
	NotReady:     "未就绪",
	Insecure:     "无需登录即可从网络访问",
	InsecureText: "服务器以 --insecure 启动，任何能访问 %s 的人都可以读取和修改所有配置。",
	Figures:      "数据",
	Configs:      "配置", Namespaces: "命名空间",
	Listening: "已连接的客户端", ListeningNote: "监听 %s 项",
	Writes: "启动以来的写入", WritesNote: "共 %s 次 fsync",
	Latest: "最近的变更", LatestNone: "还没有任何变更。",
	ColumnConfig: "配置", ColumnChanged: "变更时间",
	ByAddress:   "来自 %s",
	EmptyTitle:  "发布第一个配置",
	EmptyText:   "现在还没有配置。下面三条命令依次发布一个配置、读取它、等待它变化。Nacos 的客户端无需改动即可使用本服务器。",
	TryTitle:    "用 curl 试一试",
	TryText:     "三条命令：发布一个配置、读取它、等待它变化。",
	StepPublish: "发布", StepPublishText: "写入同步到磁盘之后才会返回结果。",
	StepRead: "读取", StepReadText: "客户端得到的内容与发布的字节完全一致。",
	StepWait: "等待变更", StepWaitText: "此命令最多等待 30 秒。在另一个终端用不同的内容再发布一次，它会立刻返回，并指出是哪个配置变了。那串长数字是客户端现有内容的 MD5。",
	Answer:  "返回",
	Node:    "本节点",
	Version: "版本", Running: "已运行", Mode: "模式", Role: "角色",
	Storage: "存储", Durability: "写入",
	Standalone: "单机", Leader: "领导者", Follower: "跟随者",
	StorageSQLite:   "内嵌，位于数据目录",
	DurabilityFsync: "同步到磁盘之后才确认",
	Login:           "登录", LoginOff: "未启用",
	Look:    "更多",
	LookAPI: "Nacre 自有 API（OpenAPI）", LookMetrics: "Prometheus 指标",
	LookReady: "就绪状态", LookState: "Nacos 客户端看到的服务器状态",
}
