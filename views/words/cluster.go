package words

// Cluster are the texts of the cluster.
type Cluster struct {
	Title, Lead                             string
	Single, SingleText                      string
	ThisNode                                string
	ID, Addresses, Role, State              string
	Leader, Follower, Candidate, Starting   string
	Term, Committed, Applied, Written       string
	WrittenNote, AppliedNote, CommittedNote string
	LastContact, Itself                     string
	Version, Uptime                         string
	Memory, Disk, DiskOf                    string // DiskOf: free, all
	Database, Log, LogEntries               string // LogEntries: number
	Snapshot, SnapshotNone, SnapshotAt      string // SnapshotAt: index
	SnapshotAge                             string // index, how long ago
	Fsync, FsyncNote, FsyncUnknown          string // FsyncNote: number, writes
	Ready, NotReady                         string
	Charts                                  string
	Storage, StorageText                    string
	Shared, SharedText, DatabaseDown        string // members there, members, database
	Revision, Configs                       string

	// Of several nodes.
	Quorum                    string // members, needed, may fail
	QuorumText                string // of them that are there
	AtRisk, AtRiskText        string // AtRisk: there, members, needed
	NoQuorum, NoQuorumText    string // NoQuorum: there, members, needed
	NoLeader, NoLeaderText    string
	NonVoter, Unreachable     string
	UnreachableFor            string // how long
	Why                       string
	Lag, LagNone, LagEntries  string // LagEntries: number
	LagNote                   string
	Contact, ContactAgo       string // ContactAgo: how long
	ContactNever              string
	Sum, SumSame, SumDiffers  string // SumSame, SumDiffers: revision
	SumOther, SumNote         string
	Clients                   string
	Matrix, MatrixText        string
	MatrixFrom                string
	Reached, NotReached       string // Reached: how long in ms
	Unknown                   string
	MatrixSince               string // how long
	Alerts                    string
	AlertDiffers              string // node, revision
	AlertAway                 string // node
	AlertRisk                 string // there, needed
	AlertBehind               string // node, entries
	ChartsOf                  string
	Transfer, TransferTitle   string // TransferTitle: node
	TransferText              string
	Transferred               string // node
	Remove, RemoveTitle       string // RemoveTitle: node
	RemoveText, RemoveBelow   string // RemoveText: members, needed, may fail; RemoveBelow: there, needed
	Removed, RemoveUnknown    string // Removed: node
	GoneMember                string
	ReadOnly                  string // there, members, needed
	StatusOne, StatusNoLeader string // StatusOne: there, members, leader, clients, behind
	Waits                     string
}

var englishCluster = Cluster{
	Title: "Cluster", Lead: "The nodes, what each has of the journal, and how they are.",
	Single: "One node", SingleText: "This server runs alone. Each write is on its disk, synced, before it is acknowledged; so nothing is lost when it is killed. While it is down, nobody is served: applications go on with what they have. If its disk is lost, so are the configurations: keep exports or copies of the data folder elsewhere.",
	ThisNode: "this node",
	ID:       "Node ID", Addresses: "Addresses", Role: "Role", State: "State",
	Leader: "leader", Follower: "follower", Candidate: "candidate", Starting: "starting",
	Term: "Term", Committed: "Committed index", Applied: "Applied index", Written: "Index in the database",
	WrittenNote: "The database follows within 50 ms; after a crash the rest is read from the journal.", AppliedNote: "All up to here can be read from this node.", CommittedNote: "All up to here is durable.",
	LastContact: "Last contact", Itself: "itself",
	Version: "Version", Uptime: "Running for",
	Memory: "Memory", Disk: "Disk", DiskOf: "%s of %s free",
	Database: "Database", Log: "Journal", LogEntries: "last index %s",
	Snapshot: "Snapshot", SnapshotNone: "none yet", SnapshotAt: "of index %s", SnapshotAge: "of index %s, %s",
	Fsync: "Sync to disk, 99 % within", FsyncNote: "%s syncs for %s writes", FsyncUnknown: "nothing was written lately",
	Ready: "ready", NotReady: "not ready",
	Charts: "Charts",
	Shared: "%s of %s members are there, on the database %s.", SharedText: "Each takes writes by itself, as long as it reaches the database. The one called leader does what one node does for all.",
	DatabaseDown: "This node is read-only: it serves what it has, and refuses writes until the database answers.",
	Storage:      "Storage", StorageText: "embedded: SQLite under a raft journal",
	Revision: "Revision", Configs: "Configurations",

	Quorum: "%s members, %s needed, %s may fail", QuorumText: "All are there. A write is acknowledged once a majority has it on disk, synced.",
	AtRisk: "%s of %s members are there, %s needed: no other may fail", AtRiskText: "Reads and writes go on. If one more member fails, writes are refused until a majority is there again.",
	NoQuorum: "No majority: %s of %s members there, %s needed", NoQuorumText: "This node is read-only. It serves what it has, which may be older than what others have, and refuses writes, until a majority is there again.",
	NoLeader: "No leader at this moment", NoLeaderText: "The members elect one, which takes a second or two. Reads go on; writes wait, and are refused after three seconds.",
	NonVoter: "joining", Unreachable: "not reached", UnreachableFor: "not reached for %s",
	Why: "Why",
	Lag: "Behind the leader", LagNone: "nothing", LagEntries: "%s entries", LagNote: "Entries of the journal that are committed and do not show on this node yet.",
	Contact: "Last contact", ContactAgo: "%s ago", ContactNever: "the leader has not heard of it yet",
	Sum: "Checksum of all configurations", SumSame: "as on this node, at revision %s", SumDiffers: "DIFFERS from this node's at revision %s", SumOther: "not compared yet: no common revision",
	SumNote: "Compared every 10 seconds, at the same revision.",
	Clients: "Clients",
	Matrix:  "Who reaches whom", MatrixText: "Each row is what that node says: whether it got an answer of the node above, and how long that took. A connection can fail in one direction alone.",
	MatrixFrom: "From \\ to",
	Reached:    "%s ms", NotReached: "no answer", Unknown: "not known", MatrixSince: "for %s",
	Alerts:       "Look at this",
	AlertDiffers: "%s has other configurations than this node at revision %s. One of the two is damaged: compare both with a backup, then wipe the damaged node's data folder and let it join again.",
	AlertAway:    "%s can't be reached from this node.",
	AlertRisk:    "%s members are there and %s are needed: no other may fail.",
	AlertBehind:  "%s is %s entries behind the leader.",
	ChartsOf:     "Charts of",
	Transfer:     "Hand over leadership", TransferTitle: "Hand leadership over to %s?", TransferText: "Writes wait for a moment, some hundred milliseconds, and then go on there. Nothing is lost.",
	Transferred: "%s leads now.",
	Remove:      "Remove from the cluster", RemoveTitle: "Remove %s from the cluster?", RemoveText: "It leaves %s members: %s needed, %s may fail. The node itself is not stopped, and its data stay on its disk.",
	RemoveBelow: "Only %s of them are there, and %s are needed: the cluster takes no writes afterwards, until more are there.",
	Removed:     "%s is no longer a member.", RemoveUnknown: "There is no such member any more.",
	GoneMember: "a voter that is in no list of members",
	ReadOnly:   "Read-only: %s of %s members there, %s needed. This node serves what it has and refuses writes.",
	StatusOne:  "%s/%s nodes, leader %s · %s clients, %s behind", StatusNoLeader: "none",
	Waits: "Waits for",
}

var chineseCluster = Cluster{
	Title: "集群", Lead: "各个节点、它们的日志进度与运行状况。",
	Single: "单节点", SingleText: "本服务器单独运行。每次写入都先落盘再确认，因此进程被杀死也不会丢失数据。停机期间无法提供服务，应用会继续使用已有的配置。如果磁盘损坏，配置也会丢失：请将导出文件或数据目录的副本保存到其他地方。",
	ThisNode: "本节点",
	ID:       "节点 ID", Addresses: "地址", Role: "角色", State: "状态",
	Leader: "主节点", Follower: "从节点", Candidate: "候选节点", Starting: "启动中",
	Term: "任期", Committed: "已提交索引", Applied: "已应用索引", Written: "数据库中的索引",
	WrittenNote: "数据库在 50 毫秒内跟上；崩溃后其余部分从日志恢复。", AppliedNote: "到此为止的内容都可以从本节点读取。", CommittedNote: "到此为止的内容都已持久化。",
	LastContact: "最近联系", Itself: "自身",
	Version: "版本", Uptime: "已运行",
	Memory: "内存", Disk: "磁盘", DiskOf: "剩余 %s，共 %s",
	Database: "数据库", Log: "日志", LogEntries: "最新索引 %s",
	Snapshot: "快照", SnapshotNone: "尚无", SnapshotAt: "索引 %s", SnapshotAge: "索引 %s，%s",
	Fsync: "落盘耗时（99% 低于）", FsyncNote: "落盘 %s 次，共 %s 次写入", FsyncUnknown: "最近没有写入",
	Ready: "就绪", NotReady: "未就绪",
	Charts: "图表",
	Shared: "%s 个成员在线（共 %s 个），共用数据库 %s。", SharedText: "只要能连上数据库，每个节点都可独立写入。称为主节点的那个负责只需一个节点完成的工作。",
	DatabaseDown: "本节点只读：提供已有内容，在数据库恢复应答之前拒绝写入。",
	Storage:      "存储", StorageText: "内嵌存储：raft 日志之上的 SQLite",
	Revision: "版本号", Configs: "配置数",
	Quorum: "%s 个成员，需要 %s 个，可容忍 %s 个故障", QuorumText: "所有成员都在线。多数成员落盘之后，写入才会确认。",
	AtRisk: "%s/%s 个成员在线，需要 %s 个：不能再有成员故障", AtRiskText: "读写正常。如果再有一个成员故障，写入将被拒绝，直到多数成员恢复。",
	NoQuorum: "未达多数：%s/%s 个成员在线，需要 %s 个", NoQuorumText: "本节点只读：继续提供已有的数据（可能比其他节点旧），拒绝写入，直到多数成员恢复。",
	NoLeader: "目前没有主节点", NoLeaderText: "成员正在选举，需要一两秒。读取正常；写入会等待，三秒后被拒绝。",
	NonVoter: "加入中", Unreachable: "无法连接", UnreachableFor: "已 %s 无法连接",
	Why: "原因",
	Lag: "落后于主节点", LagNone: "无", LagEntries: "%s 条", LagNote: "已提交、但尚未在该节点生效的日志条目。",
	Contact: "最近联系", ContactAgo: "%s前", ContactNever: "主节点尚未收到它的消息",
	Sum: "全部配置的校验和", SumSame: "与本节点一致（版本号 %s）", SumDiffers: "与本节点不一致（版本号 %s）", SumOther: "尚未比较：没有共同的版本号",
	SumNote: "每 10 秒在同一版本号上比较一次。",
	Clients: "客户端",
	Matrix:  "连通矩阵", MatrixText: "每一行是该节点自己的说法：能否收到上方节点的回应，以及用时。连接可能只在一个方向上中断。",
	MatrixFrom: "从 \\ 到",
	Reached:    "%s 毫秒", NotReached: "无回应", Unknown: "未知", MatrixSince: "持续 %s",
	Alerts:       "需要注意",
	AlertDiffers: "%s 的配置与本节点在版本号 %s 上不一致。其中一个已损坏：请与备份比对，然后清空损坏节点的数据目录并让它重新加入。",
	AlertAway:    "本节点无法连接 %s。",
	AlertRisk:    "%s 个成员在线，需要 %s 个：不能再有成员故障。",
	AlertBehind:  "%s 落后主节点 %s 条。",
	ChartsOf:     "图表所属节点",
	Transfer:     "移交主节点", TransferTitle: "将主节点移交给 %s？", TransferText: "写入会暂停几百毫秒，然后在新的主节点上继续。不会丢失数据。",
	Transferred: "%s 已成为主节点。",
	Remove:      "移出集群", RemoveTitle: "将 %s 移出集群？", RemoveText: "移出后有 %s 个成员：需要 %s 个，可容忍 %s 个故障。该节点不会停止，数据仍保留在它的磁盘上。",
	RemoveBelow: "其中只有 %s 个在线，而需要 %s 个：之后集群将拒绝写入，直到更多成员恢复。",
	Removed:     "%s 已不再是成员。", RemoveUnknown: "该成员已不存在。",
	GoneMember: "不在成员列表中的投票者",
	ReadOnly:   "只读：%s/%s 个成员在线，需要 %s 个。本节点提供已有的数据，拒绝写入。",
	StatusOne:  "%s/%s 个节点，主节点 %s · %s 个客户端，%s 个落后", StatusNoLeader: "无",
	Waits: "等待",
}
