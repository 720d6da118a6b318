package words

// Transfer are the texts of import and export.
type Transfer struct {
	Title, Lead                              string
	ImportTitle, ImportText, File, Look      string
	FileHint                                 string // size
	ExportTitle, ExportText, Group, DataID   string
	GroupHint, DataIDHint, ExportButton      string
	DryTitle                                 string // namespace
	DryText                                  string // file
	New, Same, Conflict, Invalid             string
	NewNote, SameNote, ConflictNote          string
	InvalidNote                              string
	State, Reason, MoreRows                  string // MoreRows: number
	Policy                                   string
	PolicyAbort, PolicySkip, PolicyOverwrite string
	PolicyAbortNote, PolicySkipNote          string
	PolicyOverwriteNote                      string
	Import, Nothing                          string
	DoneTitle, DoneText                      string // DoneText: number, file, namespace
	Skipped, Failed, Existing                string
	NotZIP, Empty, Broken, Metadata          string
	NoFile, TooMuch                          string
	TooLarge                                 string // size
	Gone, Full                               string
	NotTwoParts, NotInMetadata               string
	NotInFile, Duplicate                     string
	Again                                    string
	Include                                  string // name
	IncludeAll, Running                      string
	ExportNothing, NoNamespace               string // namespace
}

var englishTransfer = Transfer{
	Title: "Import and export", Lead: "ZIP files as Nacos makes and reads them: one file for each configuration, in a folder for its group.",
	ImportTitle: "Import", ImportText: "First you see what the file would change. Nothing is changed before you say so.", File: "ZIP file", Look: "See what would change",
	FileHint:    "Exported by Nacre or by Nacos 1, 2 or 3; up to %s.",
	ExportTitle: "Export", ExportText: "Configurations with type, description, application and tags. Contents are exported as they are: keep the file as safe as they need to be.",
	Group: "Group", DataID: "Data ID", GroupHint: "Exactly this group; left empty, all groups.", DataIDHint: "* stands for any characters; left empty, all.", ExportButton: "Export as ZIP",
	DryTitle: "What the import would do in %s", DryText: "From %s. Nothing is changed yet.",
	New: "New", Same: "Same", Conflict: "Different", Invalid: "Not possible",
	NewNote: "will be published", SameNote: "nothing to do", ConflictNote: "there is another content", InvalidNote: "will be left out",
	State: "State", Reason: "Why", MoreRows: "and %s more",
	Policy:      "Where there is another content",
	PolicyAbort: "Stop there", PolicySkip: "Keep what is there", PolicyOverwrite: "Replace it",
	PolicyAbortNote: "What comes before it is imported.", PolicySkipNote: "Only new ones are imported.", PolicyOverwriteNote: "What is there now stays in the history.",
	Import: "Import", Nothing: "There is nothing to import: all of it is here already, or not possible.",
	DoneTitle: "Import is done", DoneText: "Published: %s, from %s in %s",
	Skipped: "Kept as they were", Failed: "Not imported", Existing: "There is another content, and the import was told to stop.",
	NotZIP: "This is not a ZIP file with configurations. Choose one that was exported by Nacre or Nacos.", Empty: "The file holds no configuration.",
	Broken: "The ZIP file is damaged. Export it again, or check how it was copied.", Metadata: "The description in the file (.metadata.yml or .meta.yml) can't be read.",
	NoFile: "Choose a ZIP file first.", TooMuch: "The file holds more than may be imported at once.",
	TooLarge: "The file is larger than %s, the most that can be imported at once here. Use nacre import on the command line, or export in parts.",
	Gone:     "This import is not waiting any more: choose the file again. Files are kept for 15 minutes.", Full: "Too many imports wait at this moment. Try again in a few minutes.",
	NotTwoParts: "Not in a folder that names a group", NotInMetadata: "Not listed in the description", NotInFile: "Listed in the description, but not in the file", Duplicate: "There twice; the later one counts",
	Again: "Import another file", Include: "Import %s", IncludeAll: "Import all of the list", Running: "The import is running",
	ExportNothing: "Nothing to export: no configuration in %s is selected by this.", NoNamespace: "There is no namespace %s any more. Create it first, or choose another one.",
}

var chineseTransfer = Transfer{
	Title: "导入与导出", Lead: "与 Nacos 兼容的 ZIP 文件：每个配置一个文件，放在以分组命名的目录中。",
	ImportTitle: "导入", ImportText: "先展示文件会带来哪些改动，在您确认之前不会修改任何内容。", File: "ZIP 文件", Look: "查看会有哪些改动",
	FileHint:    "由 Nacre 或 Nacos 1、2、3 导出，最大 %s。",
	ExportTitle: "导出", ExportText: "包含配置的格式、描述、所属应用和标签。内容按原样导出，请妥善保管该文件。",
	Group: "分组", DataID: "配置 ID（Data ID）", GroupHint: "精确匹配分组；留空表示所有分组。", DataIDHint: "* 代表任意字符；留空表示全部。", ExportButton: "导出为 ZIP 文件",
	DryTitle: "导入将在 %s 中带来的改动", DryText: "来自 %s，尚未修改任何内容。",
	New: "新增", Same: "相同", Conflict: "不同", Invalid: "无法导入",
	NewNote: "将被发布", SameNote: "无需处理", ConflictNote: "已有其他内容", InvalidNote: "将被忽略",
	State: "状态", Reason: "原因", MoreRows: "还有 %s 个",
	Policy:      "遇到已有其他内容的配置",
	PolicyAbort: "到此停止", PolicySkip: "保留现有内容", PolicyOverwrite: "覆盖",
	PolicyAbortNote: "在它之前的配置会被导入。", PolicySkipNote: "只导入新增的配置。", PolicyOverwriteNote: "现有内容会保留在历史中。",
	Import: "导入", Nothing: "没有可导入的内容：全部已存在或无法导入。",
	DoneTitle: "导入完成", DoneText: "已发布 %s 个，来自 %s，命名空间 %s",
	Skipped: "保持不变", Failed: "未导入", Existing: "已有其他内容，按要求停止。",
	NotZIP: "这不是包含配置的 ZIP 文件，请选择由 Nacre 或 Nacos 导出的文件。", Empty: "文件中没有配置。",
	Broken: "ZIP 文件已损坏，请重新导出，或检查复制过程。", Metadata: "无法读取文件中的描述（.metadata.yml 或 .meta.yml）。",
	NoFile: "请先选择一个 ZIP 文件。", TooMuch: "文件内容超过一次可导入的上限。",
	TooLarge: "文件超过 %s，这是此处一次可导入的上限。请使用命令行 nacre import，或分批导出。",
	Gone:     "该导入已失效，请重新选择文件。文件保留 15 分钟。", Full: "当前等待确认的导入过多，请几分钟后重试。",
	NotTwoParts: "不在以分组命名的目录中", NotInMetadata: "描述中没有列出", NotInFile: "描述中列出，但文件中没有", Duplicate: "出现两次，以后一个为准",
	Again: "导入另一个文件", Include: "导入 %s", IncludeAll: "导入列表中的全部配置", Running: "正在导入",
	ExportNothing: "没有可导出的内容：%s 中没有符合条件的配置。", NoNamespace: "命名空间 %s 不存在，请先创建或选择其他命名空间。",
}
