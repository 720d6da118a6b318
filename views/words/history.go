package words

// History are the texts of history and removed configurations.
type History struct {
	Title, Empty, EmptyText                    string
	Published, Changed, Removed                string
	Restored, Imported, Cloned, Promoted       string
	Undone                                     string
	CanaryStarted, CanaryChanged, CanaryEnded  string // name
	FromRevision                               string // revision
	By, Unknown                                string
	Revision, Latest, NotKept                  string
	Comment                                    string
	Older, Newest                              string
	Compare, CompareTitle, CompareHint         string
	CompareFrom, CompareTo, CompareNow         string
	ComparePick                                string
	View, Restore, RestoreTitle, RestoreText   string // RestoreText: revision
	RestoreComment, RestoreButton, RestoreSame string
	RestoreDone                                string // revision
	Missing                                    string // revision
	DeletedTitle, DeletedText                  string
	DeletedEmpty, DeletedEmptyText             string
	DeletedNone, DeletedFilter, DeletedWhen    string
	DeletedBy, DeletedRestore, DeletedHistory  string
	DeletedDone                                string // name
	UndoDone                                   string // name
	LinesPlusMinus                             string // added, removed
	Attributes                                 string
	From, To, Nothing, Rule                    string
	OfCanary                                   string // revision, name
	RestoreChanged                             string
}

var englishHistory = History{
	Title: "History", Empty: "No history yet", EmptyText: "Each publish, restore and removal will be listed here, with who made it and what it changed.",
	Published: "Published", Changed: "Changed", Removed: "Deleted",
	Restored: "Restored", Imported: "Imported", Cloned: "Cloned", Promoted: "Canary promoted",
	Undone:        "Deletion undone",
	CanaryStarted: "Canary started: %s", CanaryChanged: "Canary changed: %s", CanaryEnded: "Canary ended: %s",
	FromRevision: "from revision %s",
	By:           "by %s", Unknown: "unknown",
	Revision: "Revision %s", Latest: "live now", NotKept: "The content is not kept any more",
	Comment: "Comment",
	Older:   "Older", Newest: "Newest",
	Compare: "Compare", CompareTitle: "Compare two revisions", CompareHint: "Choose two revisions and compare them.",
	CompareFrom: "Compare from revision %s", CompareTo: "Compare to revision %s", CompareNow: "live now",
	ComparePick: "Compare the chosen two",
	View:        "View", Restore: "Restore", RestoreTitle: "Restore revision %s",
	RestoreText:    "This publishes the content of revision %s as a new revision. What is live now stays in the history.",
	RestoreComment: "Comment", RestoreButton: "Publish this content again", RestoreSame: "What is live now has this content and these attributes already.",
	RestoreDone:  "Restored the content of revision %s.",
	Missing:      "History does not have revision %s of this configuration, or no longer has its content.",
	DeletedTitle: "Deleted configurations", DeletedText: "Deleted configurations can be restored as long as the history is kept.",
	DeletedEmpty: "Nothing is deleted here", DeletedEmptyText: "What is deleted in this namespace is listed here, and can be restored with one click.",
	DeletedNone: "No deleted configuration has this in its name.", DeletedFilter: "Part of group or data ID", DeletedWhen: "Deleted",
	DeletedBy: "By", DeletedRestore: "Restore", DeletedHistory: "History",
	DeletedDone:    "Restored %s.",
	UndoDone:       "%s is back.",
	LinesPlusMinus: "+%s −%s",
	Attributes:     "Attributes",
	From:           "from", To: "to", Nothing: "nothing", Rule: "Rule", OfCanary: "%s of the canary %s",
	RestoreChanged: "Somebody changed this configuration meanwhile. What it would change now is shown above; look at it, and press once more.",
}

var chineseHistory = History{
	Title: "历史", Empty: "还没有历史记录", EmptyText: "每次发布、恢复和删除都会列在这里，包括操作人和改动内容。",
	Published: "发布", Changed: "修改", Removed: "删除",
	Restored: "恢复", Imported: "导入", Cloned: "克隆", Promoted: "灰度转正式",
	Undone:        "撤销删除",
	CanaryStarted: "开始灰度：%s", CanaryChanged: "修改灰度：%s", CanaryEnded: "结束灰度：%s",
	FromRevision: "来自版本 %s",
	By:           "操作人：%s", Unknown: "未知",
	Revision: "版本 %s", Latest: "当前生效", NotKept: "内容已不再保留",
	Comment: "备注",
	Older:   "更早", Newest: "最新",
	Compare: "比较", CompareTitle: "比较两个版本", CompareHint: "选择两个版本进行比较。",
	CompareFrom: "以版本 %s 为起点比较", CompareTo: "以版本 %s 为终点比较", CompareNow: "当前生效",
	ComparePick: "比较所选的两个版本",
	View:        "查看", Restore: "恢复", RestoreTitle: "恢复版本 %s",
	RestoreText:    "将版本 %s 的内容作为新版本发布。当前生效的内容会保留在历史中。",
	RestoreComment: "备注", RestoreButton: "重新发布该内容", RestoreSame: "当前生效的内容和属性与该版本完全相同。",
	RestoreDone:  "已恢复版本 %s 的内容。",
	Missing:      "历史中没有该配置的版本 %s，或其内容已不再保留。",
	DeletedTitle: "已删除的配置", DeletedText: "在历史保留期内，已删除的配置都可以恢复。",
	DeletedEmpty: "这里没有已删除的配置", DeletedEmptyText: "在该命名空间中删除的配置会列在这里，一键即可恢复。",
	DeletedNone: "没有名称包含该文字的已删除配置。", DeletedFilter: "分组或 Data ID 的一部分", DeletedWhen: "删除时间",
	DeletedBy: "操作人", DeletedRestore: "恢复", DeletedHistory: "历史",
	DeletedDone:    "已恢复 %s。",
	UndoDone:       "%s 已恢复。",
	LinesPlusMinus: "新增 %s 行，删除 %s 行",
	Attributes:     "属性",
	From:           "从", To: "到", Nothing: "空", Rule: "规则", OfCanary: "%s（灰度 %s）",
	RestoreChanged: "期间有人修改了该配置。上面是现在会带来的改动，请确认后再次提交。",
}
