package words

// Enter are the texts of set-up, login and the account.
type Enter struct {
	Title, SignIn, User, Password            string
	Wrong                                    string
	Locked                                   string // duration
	Busy                                     string
	SignedOut                                string
	FreshTitle, FreshText, FreshCommand      string
	SetUpTitle, SetUpText, SetUpButton       string
	SetUpUser, SetUpPassword, SetUpAgain     string
	SetUpUsed, SetUpUsedText                 string
	SetUpWrong                               string
	PasswordRule, PasswordShort              string
	PasswordLong, PasswordCommon             string
	PasswordDiffer                           string
	UserRule                                 string
	AccountTitle, SessionsTitle              string
	SessionsText                             string
	SessionFrom, SessionSince, SessionSeen   string
	SessionBrowser, SessionThis, SessionEnd  string
	SessionsEndAll, SessionEnded             string
	SessionsEnded                            string // number
	ChangePassword, OldPassword, NewPassword string
	PasswordChanged, OldPasswordWrong        string
	Ended, EndedLost                         string
	AgainTitle, AgainText                    string
	AgainOther, AgainSend                    string
}

var englishEnter = Enter{
	Title: "Sign in", SignIn: "Sign in", User: "User name", Password: "Password",
	Wrong:      "User name or password is wrong.",
	Locked:     "Too many failed attempts. Try again in %s.",
	Busy:       "Too many sign in at this moment. Try again in a few seconds.",
	SignedOut:  "You are signed out.",
	FreshTitle: "Nacre is running", FreshText: "It has no administrator yet. When it started, it printed a link that works once; open it to choose a password. The line in the log looks like this:",
	FreshCommand: "For unattended starts, set NACRE_ADMIN_PASSWORD before the first start; the user is then called nacos.",
	SetUpTitle:   "Choose the administrator's password", SetUpText: "Who signs in with it can read and change every configuration on this server.",
	SetUpButton: "Create administrator", SetUpUser: "User name", SetUpPassword: "Password", SetUpAgain: "Password again",
	SetUpUsed: "This link was used", SetUpUsedText: "The administrator is there; sign in. Was it not you? Then somebody who can read the server's log was faster: stop the server and look after that first.",
	SetUpWrong:    "This link is not the one that this server printed when it started last. Look for the newest one in its log.",
	PasswordRule:  "12 characters or more. A sentence is fine; pasting is, too.",
	PasswordShort: "The password needs 12 characters or more.", PasswordLong: "The password may have 72 bytes at the most.",
	PasswordCommon: "This password is among the common ones that are tried first. Choose another.",
	PasswordDiffer: "The two passwords are not the same.",
	UserRule:       "1 to 50 letters, digits, dots, dashes, underscores or @; a letter or digit first.",
	AccountTitle:   "Sessions and password", SessionsTitle: "Where you are signed in",
	SessionsText: "End those that you do not know.",
	SessionFrom:  "From", SessionSince: "Since", SessionSeen: "Last seen",
	SessionBrowser: "Browser", SessionThis: "this one", SessionEnd: "Sign out",
	SessionsEndAll: "Sign out everywhere else", SessionEnded: "The session is ended.",
	SessionsEnded:  "Ended sessions: %s.",
	ChangePassword: "Change password", OldPassword: "Present password", NewPassword: "New password",
	PasswordChanged: "The password is changed; all other sessions are ended.", OldPasswordWrong: "The present password is wrong.",
	Ended:      "You were signed out meanwhile, so nothing was changed. Sign in: what you typed is kept on this page.",
	EndedLost:  "You are not signed in, so nothing was changed. What you typed could not be kept here; your browser may still have it when you go back.",
	AgainTitle: "Send it again?", AgainText: "You are signed in. What you sent before was not carried out; this is what it says:",
	AgainOther: "The page was opened in a session that has ended, so nothing was changed. This is what it says; look whether it is still what you want:", AgainSend: "Send it now",
}

var chineseEnter = Enter{
	Title: "登录", SignIn: "登录", User: "用户名", Password: "密码",
	Wrong:      "用户名或密码错误。",
	Locked:     "失败次数过多，请在 %s 后重试。",
	Busy:       "当前登录的人数过多，请几秒后重试。",
	SignedOut:  "您已退出登录。",
	FreshTitle: "Nacre 正在运行", FreshText: "尚未设置管理员。服务器启动时打印了一个一次性链接，请打开它来设置密码。日志中的那一行类似于：",
	FreshCommand: "如需无人值守启动，请在首次启动前设置 NACRE_ADMIN_PASSWORD，用户名为 nacos。",
	SetUpTitle:   "设置管理员密码", SetUpText: "使用该账号登录的人可以读取和修改本服务器上的所有配置。",
	SetUpButton: "创建管理员", SetUpUser: "用户名", SetUpPassword: "密码", SetUpAgain: "再次输入密码",
	SetUpUsed: "该链接已被使用", SetUpUsedText: "管理员已创建，请登录。如果不是您本人操作，说明有人能读取服务器日志并抢先一步：请停止服务器并先处理此事。",
	SetUpWrong:    "该链接不是服务器最近一次启动时打印的链接，请在日志中查找最新的链接。",
	PasswordRule:  "至少 12 个字符，可以是一句话，也可以粘贴。",
	PasswordShort: "密码至少需要 12 个字符。", PasswordLong: "密码最多 72 个字节。",
	PasswordCommon: "该密码属于最先被尝试的常见密码，请换一个。",
	PasswordDiffer: "两次输入的密码不一致。",
	UserRule:       "1 到 50 个字母、数字、点、连字符、下划线或 @，以字母或数字开头。",
	AccountTitle:   "会话与密码", SessionsTitle: "已登录的位置",
	SessionsText: "请结束您不认识的会话。",
	SessionFrom:  "来源", SessionSince: "登录时间", SessionSeen: "最近活动",
	SessionBrowser: "浏览器", SessionThis: "当前会话", SessionEnd: "退出",
	SessionsEndAll: "退出其他所有会话", SessionEnded: "该会话已结束。",
	SessionsEnded:  "已结束 %s 个会话。",
	ChangePassword: "修改密码", OldPassword: "当前密码", NewPassword: "新密码",
	PasswordChanged: "密码已修改，其他会话均已结束。", OldPasswordWrong: "当前密码错误。",
	Ended:      "您的登录已失效，因此没有任何改动。请登录，您填写的内容仍保留在本页。",
	EndedLost:  "您尚未登录，因此没有任何改动。您填写的内容无法保留在本页，请尝试用浏览器的后退按钮找回。",
	AgainTitle: "重新提交？", AgainText: "您已登录。之前提交的内容没有执行，内容如下：",
	AgainOther: "该页面是在一个已结束的会话中打开的，因此没有任何改动。内容如下，请确认是否仍要提交：", AgainSend: "立即提交",
}
