package words

// Edit are the texts of the editor.
type Edit struct {
	Title, NewTitle, Variant                string // Title: dataId; Variant: name of the canary
	DataIDHint, GroupHint                   string
	TypeAuto, TypeAutoIs, TypeText          string // TypeAutoIs: type
	DescHint, TagsHint, AppHint             string // TagsHint: number
	More                                    string
	Review, LayOut, Back                    string
	Kept, Keeping, NotKept, KeptElsewhere   string
	KeepMine, LoadOther                     string
	DraftLoaded, Discard, Discarded, Drafts string // DraftLoaded: how long ago

	Newer                                           string // who, how long ago
	Gone                                            string
	Problems, NoProblems, Place, NotChecked, TooBig string // Place: line, column
	Error, Warning                                  string
	Refused                                         string // type
	NameMissing, NameLong, NameChars                string // NameLong: number
	DescLong, AppLong, TagsMany, TagLong            string // number
	Blank, Large                                    string // Large: size, limit
	Mixed, CRLF                                     string
	NotText, NotTextText, TooLarge, TooLargeText    string // TooLargeText: size, limit
	Encrypted, LooksLike                            string // LooksLike: type, type
	MarksLeft, MarkHere                             string
	MergeTitle, MergeBy, MergeGone, MergeThere      string // MergeBy: who, how long ago; MergeGone the same; MergeThere: who, how long ago
	MergeClean, MergeClash, MergeBlind              string // MergeClash: number
	MergeTheirs, MergeMine, MergeBase, MergeNow     string // MergeBase, MergeNow: revision
	MergeYours                                      string
	Unlaid, NoLayout                                string
}

var englishEdit = Edit{
	Title: "Edit %s", NewTitle: "New configuration", Variant: "canary %s",
	DataIDHint: "The name clients ask for. Letters, digits and . : _ - can stand in it; an ending such as .yaml names the type.",
	GroupHint:  "What belongs together. Clients that name none ask for DEFAULT_GROUP.",
	TypeAuto:   "By name and content", TypeAutoIs: "By name and content: %s", TypeText: "Text",
	DescHint: "What it is for, in a sentence.", TagsHint: "At most %s, with commas between them.", AppHint: "The application that it belongs to.",
	More:   "Description, tags, application",
	Review: "Review and publish", LayOut: "Lay out anew", Back: "Back to the configuration",
	Kept: "Draft saved", Keeping: "Saving the draft…", NotKept: "The draft could not be saved. Another try follows; keep this page open.",
	KeptElsewhere: "Your draft was changed in another tab or on another device. Nothing more is saved here until you decide.",
	KeepMine:      "Go on with what is here", LoadOther: "Load the other one",
	DraftLoaded: "This is your draft, saved %s.", Discard: "Discard the draft", Discarded: "The draft was discarded.", Drafts: "Drafts not published yet",
	Newer:    "%s published a newer version %s. When you review, both are brought together.",
	Gone:     "It was deleted meanwhile. Publishing makes it anew.",
	Problems: "Problems", NoProblems: "No problems found.", Place: "Line %s, column %s", NotChecked: "Not checked: the server did not answer.", TooBig: "So large a text is checked when it is reviewed.",
	Error: "error", Warning: "warning",
	Refused:     "Readers of %s would refuse this content, so it was not taken. Mend what is listed below, or choose the type Text if it is meant to be something else.",
	NameMissing: "A name is needed.", NameLong: "At most %s characters are allowed.", NameChars: "Only letters, digits and . : _ - are allowed.",
	DescLong: "At most %s characters are allowed.", AppLong: "At most %s characters are allowed.", TagsMany: "At most %s tags are allowed.", TagLong: "A tag has at most %s characters.",
	Blank: "The content is empty. A configuration holds something; to take it away, delete it.", Large: "The content has %s; at most %s are allowed.",
	Mixed:   "The lines of the published content end in different ways. When you publish, all of them will end with LF.",
	CRLF:    "Lines end with CRLF, and will when you publish.",
	NotText: "This content can't be edited here", NotTextText: "It is not UTF-8 text, or has characters that a browser's form would change. Nothing of it would be kept as it is. Download it, and publish a changed file by the API.",
	TooLarge: "This content is too large to be edited here", TooLargeText: "It has %s; the editor takes up to %s. Download it, and publish a changed file by the API.",
	LooksLike: "It looks like %s, but its type is %s: choose the type to have errors found and keys compared.",
	Encrypted: "Clients have encrypted this content: what stands here is what they decrypt. A change by hand makes it unreadable for them.",
	MarksLeft: "There are places left that both have changed. Choose a side for each, or write what it should be, and remove the marks.", MarkHere: "Both have changed this part: choose a side, or write what it should be, and remove the marks.",
	MergeTitle: "Changed meanwhile", MergeBy: "%s published another version %s, after you had opened this one. Nothing of yours is lost.",
	MergeGone:   "%s deleted it %s, after you had opened it. What you wrote is below; publishing makes it anew.",
	MergeThere:  "%s published a configuration of this name %s. What you wrote is below, together with it.",
	MergeClean:  "You changed different lines. The text below has both changes; look it over and review it again.",
	MergeClash:  "Places that both have changed: %s. They are marked in the text below. Decide each, then review it again.",
	MergeBlind:  "History no longer has the version that you began with, so what either of you removed is still in the text. Look closely.",
	MergeTheirs: "What was changed since you opened it", MergeMine: "What you changed",
	MergeBase: "You opened (revision %s)", MergeNow: "Published now (revision %s)", MergeYours: "Yours",
	Unlaid: "It was not laid out, as there are errors.", NoLayout: "There is no layout for this type that would be sure to mean the same.",
}

var chineseEdit = Edit{
	Title: "编辑 %s", NewTitle: "新建配置", Variant: "灰度 %s",
	DataIDHint: "客户端用来获取配置的名称。可使用字母、数字和 . : _ -；.yaml 这样的后缀决定格式。",
	GroupHint:  "把相关的配置放在一起。客户端未指定时使用 DEFAULT_GROUP。",
	TypeAuto:   "根据名称和内容判断", TypeAutoIs: "根据名称和内容判断：%s", TypeText: "文本",
	DescHint: "用一句话说明用途。", TagsHint: "最多 %s 个，用逗号分隔。", AppHint: "所属的应用。",
	More:   "描述、标签、应用",
	Review: "检查并发布", LayOut: "格式化", Back: "返回配置",
	Kept: "草稿已保存", Keeping: "正在保存草稿…", NotKept: "草稿未能保存，稍后会重试，请不要关闭此页面。",
	KeptElsewhere: "您的草稿已在其他标签页或设备上被修改。在您做出选择之前，此处不再保存。",
	KeepMine:      "继续使用此处的内容", LoadOther: "加载另一份",
	DraftLoaded: "这是您的草稿（%s保存）。", Discard: "丢弃草稿", Discarded: "草稿已丢弃。", Drafts: "尚未发布的草稿",
	Newer:    "有更新的版本发布（%s，%s）。检查时会把两者合并。",
	Gone:     "该配置已被删除。发布会重新创建它。",
	Problems: "问题", NoProblems: "没有发现问题。", Place: "第 %s 行，第 %s 列", NotChecked: "未检查：服务器没有响应。", TooBig: "内容较大，将在发布前检查。",
	Error: "错误", Warning: "警告",
	Refused:     "这份内容不是有效的 %s，读取时会出错，因此没有接受。请修正下面列出的问题；如果本来就不是该格式，请把格式改为“文本”。",
	NameMissing: "名称不能为空。", NameLong: "最多 %s 个字符。", NameChars: "只能使用字母、数字和 . : _ -。",
	DescLong: "最多 %s 个字符。", AppLong: "最多 %s 个字符。", TagsMany: "最多 %s 个标签。", TagLong: "每个标签最多 %s 个字符。",
	Blank: "内容为空。配置必须有内容；如果不再需要，请删除它。", Large: "内容大小为 %s，最多允许 %s。",
	Mixed:   "已发布的内容中换行符不一致。发布后将统一为 LF。",
	CRLF:    "换行符为 CRLF，发布后保持不变。",
	NotText: "该内容不能在此编辑", NotTextText: "它不是 UTF-8 文本，或者含有浏览器表单会改变的字符，编辑后无法保持原样。请下载后修改，再通过 API 发布。",
	TooLarge: "内容太大，不能在此编辑", TooLargeText: "大小为 %s，编辑器最多支持 %s。请下载后修改，再通过 API 发布。",
	LooksLike: "内容看起来是 %s，但格式为“%s”：选择正确的格式才能发现错误并按键比较。",
	Encrypted: "该内容由客户端加密，此处显示的是密文。手工修改后客户端将无法解密。",
	MarksLeft: "还有双方都修改了的地方没有处理。请逐一选择其中一方或写出正确的内容，并删除冲突标记。", MarkHere: "双方都修改了这一部分：请选择其中一方或写出正确的内容，并删除冲突标记。",
	MergeTitle: "期间有其他修改", MergeBy: "在您打开之后有其他版本发布（%s，%s）。您的内容没有丢失。",
	MergeGone:   "在您打开之后该配置被删除（%s，%s）。您的内容在下面，发布会重新创建它。",
	MergeThere:  "已有同名的配置发布（%s，%s）。下面的内容包含双方的内容。",
	MergeClean:  "双方修改的是不同的行。下面的内容已包含两者的修改，请确认后再次检查。",
	MergeClash:  "双方都修改了的地方：%s 处，已在下面的内容中标出。请逐一处理后再次检查。",
	MergeBlind:  "历史中已没有您打开时的版本，因此任何一方删除的内容都还在文本中，请仔细核对。",
	MergeTheirs: "您打开之后的修改", MergeMine: "您的修改",
	MergeBase: "您打开的版本（版本号 %s）", MergeNow: "当前已发布（版本号 %s）", MergeYours: "您的内容",
	Unlaid: "内容有错误，无法格式化。", NoLayout: "该格式没有能确保含义不变的格式化方式。",
}
