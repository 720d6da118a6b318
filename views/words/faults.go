package words

// Faults are what goes wrong, and what to do.
type Faults struct {
	Title                                         string
	NotFound, Denied, Conflict, Limited           string
	Invalid, Unavailable, Internal                string
	Forged, Expired                               string
	PageMissing, ConfigMissing, ConfigMissingText string
	Home                                          string
	Detail                                        string // the server's own sentence
}

var englishFaults = Faults{
	Title:    "That did not work",
	NotFound: "It is not there, or not any more.", Denied: "You may not do that.",
	Conflict: "It was changed meanwhile. Look at what is there now, and try again.", Limited: "A limit is reached.",
	Invalid: "Something in the input is not right.", Unavailable: "The server can't do that at the moment. Nothing was changed; try again in a few seconds.",
	Internal: "Something failed inside the server; its log says more.",
	Forged:   "This form does not come from a page of yours. Nothing was changed: open the page again and repeat it there.",
	Expired:  "You were signed out meanwhile.",
	Home:     "To the overview", PageMissing: "There is no such page.",
	ConfigMissing:     "This configuration does not exist",
	ConfigMissingText: "It was removed, or was never published. You can publish it now; if it was removed, its past versions are still there.",
	Detail:            "The server says: %s",
}

var chineseFaults = Faults{
	Title:    "操作没有成功",
	NotFound: "它不存在，或已被删除。", Denied: "您没有权限执行该操作。",
	Conflict: "期间内容已被修改。请查看当前内容后重试。", Limited: "已达到上限。",
	Invalid: "输入的内容有误。", Unavailable: "服务器暂时无法执行该操作。没有任何改动，请几秒后重试。",
	Internal: "服务器内部出错，详情请查看日志。",
	Forged:   "该表单不是来自您的页面。没有任何改动，请重新打开页面后再试。",
	Expired:  "您的登录已失效。",
	Home:     "返回概览", PageMissing: "没有这个页面。",
	ConfigMissing:     "该配置不存在",
	ConfigMissingText: "它已被删除，或从未发布。您可以现在发布；如果是被删除的，历史版本仍然保留。",
	Detail:            "服务器提示：%s",
}
