package words

// Publish are the texts of reviewing, publishing and canaries.
type Publish struct {
	Title, Before, Yours, Nothing                      string // Title: dataId; Before: revision
	NothingNew, NothingNewText                         string
	Difference, Attributes                             string
	NoType                                             string
	Warnings                                           string
	Impact, ImpactNobody, ImpactListen, ImpactCanaries string // ImpactListen: number; ImpactCanaries: number
	ByApp, BySDK, NoApp, NoSDK                         string
	Comment, CommentHint                               string
	For, ForAll, ForAllHint, ForSome, ForSomeHint      string
	ForSomeAttributes, ForSomeHeld                     string // ForSomeHeld: addresses
	Addresses, Others, OthersHint                      string
	Clients                                            string // number
	MoreAddresses                                      string // number
	AddressMissing, AddressWrong                       string // AddressWrong: address
	TypedWrong, CommentLong                            string // CommentLong: number
	Protected                                          string // namespace
	Publish, Back                                      string
	Done, DoneSome                                     string // dataId
	CanaryNone, CanaryNoneText, CanaryStart            string
	CanaryFor, CanaryTag, CanaryOther                  string // addresses; tag; rule
	CanaryChanged                                      string // revision, who
	CanarySees, CanaryNobody                           string // CanarySees: number
	CanaryMore                                         string // number
	CanaryDiff, CanaryFormal, CanaryIs                 string // CanaryFormal: revision; CanaryIs: name
	CanaryOnly                                         string
	Promote, PromoteTitle, PromoteText                 string // PromoteText: clients
	Stop, StopTitle, StopText, Change                  string // StopText: clients
	Promoted, Stopped                                  string // name
	CanaryMoved, CanaryGone, CanarySince               string
	CanaryHeading                                      string // name
}

var englishPublish = Publish{
	Title: "Review %s", Before: "Published (revision %s)", Yours: "Yours", Nothing: "Nothing published yet",
	NothingNew: "Nothing would change", NothingNewText: "What is published is exactly this, attributes too. So nothing was published.",
	Difference: "What changes", Attributes: "Attributes",
	NoType:   "none",
	Warnings: "Readers may take something otherwise than it is meant",
	Impact:   "Whom it reaches", ImpactNobody: "Nobody listens for it at the moment.", ImpactListen: "Clients that listen: %s", ImpactCanaries: "Of these keep seeing a canary: %s",
	ByApp: "Application", BySDK: "SDK", NoApp: "not named", NoSDK: "unknown",
	Comment: "Comment", CommentHint: "Why it is changed. It stays in the history.",
	For: "For whom", ForAll: "All clients", ForAllHint: "They are told at once.",
	ForSome: "Some addresses first", ForSomeHint: "A canary: only clients at these addresses see the new content. All others keep what they have until you promote it.",
	ForSomeAttributes: "Type, description, tags and application change only when it is published for all.",
	ForSomeHeld:       "It takes the place of the canary that is out for %s.",
	Addresses:         "Addresses of clients that listen", Others: "Other addresses", OthersHint: "IP addresses, with commas or spaces between them.",
	Clients: "clients: %s", MoreAddresses: "and %s more addresses",
	AddressMissing: "Choose or name one address at least.", AddressWrong: "%s is not an IP address.",
	TypedWrong: "That is not the name.", CommentLong: "At most %s characters are allowed, without control characters.",
	Protected: "%s is a production namespace.",
	Publish:   "Publish", Back: "Back to the editor",
	Done: "Published %s.", DoneSome: "Published %s for some addresses first.",
	CanaryNone: "No canary", CanaryNoneText: "With a canary, a few clients see a new content first. Edit the configuration, review it, and choose “Some addresses first”; when all is well, promote it here to all clients.", CanaryStart: "Edit and start a canary",
	CanaryFor: "For clients at %s", CanaryTag: "For clients that send the tag %s", CanaryOther: "By the rule %s",
	CanaryChanged: "Revision %s · %s ·",
	CanarySees:    "Clients that see it: %s", CanaryNobody: "No client that listens sees it at the moment.", CanaryMore: "and %s more",
	CanaryDiff: "Difference from what all others see", CanaryFormal: "All others (revision %s)", CanaryIs: "Canary %s",
	CanaryOnly: "All other clients see nothing, as only this canary is published.",
	Promote:    "Promote to all", PromoteTitle: "Promote it to all clients?", PromoteText: "Clients that listen: %s. All of them see this content at once, and the canary ends.",
	Stop: "Stop", StopTitle: "Stop this canary?", StopText: "Clients that see it: %s. They go back to what all others see. Its content stays in the history.", Change: "Change",
	Promoted: "The canary %s was promoted to all clients.", Stopped: "The canary %s was stopped.",
	CanaryMoved: "It was changed meanwhile. Look at it as it is now, then promote it.", CanaryGone: "This canary is not there any more.", CanarySince: "A canary was started, changed or stopped meanwhile. Look for whom it is now, then publish again.",
	CanaryHeading: "Canary %s",
}

var chinesePublish = Publish{
	Title: "检查 %s", Before: "已发布（版本号 %s）", Yours: "您的内容", Nothing: "尚未发布",
	NothingNew: "没有任何改变", NothingNewText: "已发布的内容和属性与此完全相同，因此没有发布。",
	Difference: "改变的内容", Attributes: "属性",
	NoType:   "无",
	Warnings: "以下内容读取时的含义可能与预期不同",
	Impact:   "影响范围", ImpactNobody: "目前没有客户端监听该配置。", ImpactListen: "监听的客户端：%s 个", ImpactCanaries: "其中继续使用灰度版本的：%s 个",
	ByApp: "应用", BySDK: "SDK 版本", NoApp: "未注明", NoSDK: "未知",
	Comment: "备注", CommentHint: "说明修改的原因，会保留在历史中。",
	For: "发布范围", ForAll: "所有客户端", ForAllHint: "立即通知所有客户端。",
	ForSome: "先发布到部分地址", ForSomeHint: "灰度发布：只有这些地址的客户端看到新内容，其他客户端保持不变，直到您全量发布。",
	ForSomeAttributes: "格式、描述、标签和应用只在发布到所有客户端时才会改变。",
	ForSomeHeld:       "将替换目前面向 %s 的灰度版本。",
	Addresses:         "正在监听的客户端地址", Others: "其他地址", OthersHint: "IP 地址，用逗号或空格分隔。",
	Clients: "%s 个客户端", MoreAddresses: "还有 %s 个地址",
	AddressMissing: "请至少选择或填写一个地址。", AddressWrong: "%s 不是 IP 地址。",
	TypedWrong: "名称不一致。", CommentLong: "最多 %s 个字符，不能含控制字符。",
	Protected: "%s 是生产环境的命名空间。",
	Publish:   "发布", Back: "返回编辑器",
	Done: "已发布 %s。", DoneSome: "已将 %s 先发布到部分地址。",
	CanaryNone: "没有灰度版本", CanaryNoneText: "灰度发布让少数客户端先看到新内容。编辑并检查配置时选择“先发布到部分地址”；确认无误后，在此全量发布给所有客户端。", CanaryStart: "编辑并开始灰度发布",
	CanaryFor: "面向地址 %s 的客户端", CanaryTag: "面向发送标签 %s 的客户端", CanaryOther: "按规则 %s",
	CanaryChanged: "版本号 %s · %s ·",
	CanarySees:    "看到它的客户端：%s 个", CanaryNobody: "目前没有监听的客户端看到它。", CanaryMore: "还有 %s 个",
	CanaryDiff: "与其他客户端所见内容的差异", CanaryFormal: "其他客户端（版本号 %s）", CanaryIs: "灰度 %s",
	CanaryOnly: "只发布了该灰度版本，其他客户端看不到内容。",
	Promote:    "全量发布", PromoteTitle: "全量发布给所有客户端？", PromoteText: "监听的客户端：%s 个。它们会立即看到该内容，灰度随之结束。",
	Stop: "停止", StopTitle: "停止该灰度版本？", StopText: "看到它的客户端：%s 个。它们会恢复为其他客户端所见的内容。该内容保留在历史中。", Change: "修改",
	Promoted: "灰度 %s 已全量发布。", Stopped: "灰度 %s 已停止。",
	CanaryMoved: "期间内容已被修改。请查看当前内容后再全量发布。", CanaryGone: "该灰度版本已不存在。", CanarySince: "期间有灰度版本被发布、修改或停止。请查看当前的灰度范围后再次发布。",
	CanaryHeading: "灰度 %s",
}
