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
	Revision, Configs                       string
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
	Charts:  "Charts",
	Storage: "Storage", StorageText: "embedded: SQLite under a raft journal",
	Revision: "Revision", Configs: "Configurations",
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
	Charts:  "图表",
	Storage: "存储", StorageText: "内嵌存储：raft 日志之上的 SQLite",
	Revision: "版本号", Configs: "配置数",
}
