package words

// Parts are the texts that parts of pages share.
type Parts struct {
	Copy, Copied, CopyMD5, CopyContent      string
	Previous, Next, PageOf, RowsOf          string // PageOf: page, pages; RowsOf: first, last, total
	Save, Cancel, Delete, Edit, Open        string
	Yes, No, None, Required, Optional       string
	TypeToConfirm                           string // the text to type
	InSync, Behind, Looping, NeverAcked     string
	BehindFor                               string // duration
	InSyncOf                                string // in sync, all
	Nobody                                  string
	Group, DataID, Namespace, Type, Content string
	Size, MD5, Revision, Changed, By        string
	App, Tags, Desc                         string
	ByAddress                               string // address
	Unified, SideBySide, IgnoreSpace        string
	ShowSpace                               string
	Unchanged                               string // number of lines
	NoDifference, DiffCut, NoLineBreak      string
	DiffLong                                string // number
	LinesAdded, LinesRemoved                string // number
	KeysChanged                             string // changed, added, removed
	KeyAdded, KeyRemoved, KeyChanged        string
	MoreKeys                                string // number
	AsTable, LoadMore                       string
	SelectRow                               string // name
	Selected                                string // number
	Clear                                   string
	BytesUnit, NotUTF8                      string
}

var englishParts = Parts{
	Copy: "Copy", Copied: "Copied", CopyMD5: "Copy MD5", CopyContent: "Copy content",
	Previous: "Previous", Next: "Next", PageOf: "Page %s of %s", RowsOf: "%s–%s of %s",
	Save: "Save", Cancel: "Cancel", Delete: "Delete", Edit: "Edit", Open: "Open",
	Yes: "yes", No: "no", None: "none", Required: "required", Optional: "optional",
	TypeToConfirm: "Type %s to confirm",
	InSync:        "in sync", Behind: "behind", Looping: "looping", NeverAcked: "never acknowledged",
	BehindFor: "behind for %s",
	InSyncOf:  "%s of %s in sync",
	Nobody:    "nobody listens",
	Group:     "Group", DataID: "Data ID", Namespace: "Namespace", Type: "Type", Content: "Content",
	Size: "Size", MD5: "MD5", Revision: "Revision", Changed: "Changed", By: "By",
	App: "Application", Tags: "Tags", Desc: "Description",
	ByAddress: "from %s",
	Unified:   "Unified", SideBySide: "Side by side", IgnoreSpace: "Ignore white space",
	ShowSpace:    "Show white space",
	Unchanged:    "Unchanged lines: %s",
	NoDifference: "No difference", NoLineBreak: "no line break at the end", DiffCut: "More lines differ than are shown here. Download both to compare them in whole.",
	DiffLong:   "They differ, but have more than %s lines. Download both to compare them.",
	LinesAdded: "Lines added: %s", LinesRemoved: "Lines removed: %s",
	KeysChanged: "Keys: %s changed, %s added, %s removed",
	KeyAdded:    "added", KeyRemoved: "removed", KeyChanged: "changed",
	MoreKeys: "and %s more",
	AsTable:  "As a table", LoadMore: "Show more",
	SelectRow: "Select %s",
	Selected:  "%s selected",
	Clear:     "Clear",
	BytesUnit: "%s bytes", NotUTF8: "This content is not UTF-8 text; it can be downloaded, not edited here.",
}

var chineseParts = Parts{
	Copy: "复制", Copied: "已复制", CopyMD5: "复制 MD5 值", CopyContent: "复制内容",
	Previous: "上一页", Next: "下一页", PageOf: "第 %s 页，共 %s 页", RowsOf: "第 %s–%s 条，共 %s 条",
	Save: "保存", Cancel: "取消", Delete: "删除", Edit: "编辑", Open: "打开",
	Yes: "是", No: "否", None: "无", Required: "必填", Optional: "可选",
	TypeToConfirm: "请输入 %s 以确认",
	InSync:        "已同步", Behind: "落后", Looping: "循环拉取", NeverAcked: "从未确认",
	BehindFor: "已落后 %s",
	InSyncOf:  "已同步 %s / %s",
	Nobody:    "无人监听",
	Group:     "分组", DataID: "配置 ID（Data ID）", Namespace: "命名空间", Type: "格式", Content: "内容",
	Size: "大小", MD5: "MD5 值", Revision: "版本号", Changed: "修改时间", By: "修改人",
	App: "所属应用", Tags: "标签", Desc: "描述",
	ByAddress: "来自 %s",
	Unified:   "合并视图", SideBySide: "并排视图", IgnoreSpace: "忽略空白",
	ShowSpace:    "显示空白",
	Unchanged:    "%s 行未改变",
	NoDifference: "没有差异", NoLineBreak: "末尾没有换行", DiffCut: "差异行数过多，此处未全部显示。请下载两份内容后完整比较。",
	DiffLong:   "两者不同，但总行数超过 %s 行。请下载两份内容后比较。",
	LinesAdded: "新增 %s 行", LinesRemoved: "删除 %s 行",
	KeysChanged: "修改 %s 个键，新增 %s 个，删除 %s 个",
	KeyAdded:    "新增", KeyRemoved: "删除", KeyChanged: "修改",
	MoreKeys: "还有 %s 个",
	AsTable:  "以表格显示", LoadMore: "显示更多",
	SelectRow: "选择 %s",
	Selected:  "已选择 %s 项",
	Clear:     "清除",
	BytesUnit: "%s 字节", NotUTF8: "该内容不是 UTF-8 文本，只能下载，不能在此编辑。",
}
