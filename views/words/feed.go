package words

// Feed are the texts of the live feed.
type Feed struct {
	Title, Lead                         string
	Live, Paused, Connecting, Lost      string
	Static                              string
	Pause, Resume, Clear                string
	New, NewMany                        string // number
	Text, Namespace, AllNamespaces      string
	Kinds, Apply, Reload                string
	Gap                                 string // number
	Restarted                           string
	Group                               string // number, kind
	None, NoneText, NoneFound, WidenIt  string
	ShowAll, Older                      string
	From                                string // address
	Unknown                             string
	Revision                            string // number
	Config, Gray, Client, Server, Space string
	Service                             string
	Ready, Stopping                     string
	Says                                FeedSays
	Names                               FeedNames
}

// FeedSays are what an event says, by kind. {who}, {object}, {gray}, {client}, {service}, {instance}, {n}
// and {text} stand for what it is about.
type FeedSays struct {
	ConfigPublished, ConfigRemoved, ConfigInSync           string
	GrayStarted, GrayChanged, GrayEnded                    string
	ClientConnected, ClientGone                            string
	ClientBehind, ClientLooping, ClientInSync, ServerState string
	NamespaceCreated, NamespaceChanged, NamespaceRemoved   string
	ServiceAppeared, ServiceGone                           string
	ServiceDescribed, ServiceRemoved                       string
	InstanceUp, InstanceDown, InstanceChanged              string
	InstanceRemoved, InstanceOverridden                    string
}

// FeedNames are what the kinds of events are called.
type FeedNames FeedSays

var englishFeed = Feed{
	Title: "Live feed", Lead: "What happens on this server, the newest first.",
	Live: "Live", Paused: "Paused", Connecting: "Connecting…", Lost: "The connection is lost; trying again…",
	Static: "As of the moment this page was loaded",
	Pause:  "Pause", Resume: "Resume", Clear: "Clear",
	New: "%s new", NewMany: "more than %s new",
	Text: "Name, user, application or address", Namespace: "Namespace", AllNamespaces: "All namespaces",
	Kinds: "What about", Apply: "Filter", Reload: "Reload",
	Gap:       "%s events before these are not held any more.",
	Restarted: "The server was started anew; what it told between is not held any more.",
	Group:     "%s × %s",
	None:      "Nothing has happened yet", NoneText: "Publish a configuration or connect a client, and it is told here at once.", NoneFound: "Nothing like that has happened", WidenIt: "The newest events that the server holds were searched. Widen the filter, or wait: what happens is added at once.",
	ShowAll: "Show everything", Older: "Older events are not shown.",
	From: "somebody at %s", Unknown: "somebody unknown", Revision: "revision %s",
	Config: "Configurations", Gray: "Canaries", Client: "Clients", Server: "Server", Space: "Namespaces", Service: "Services", Ready: "ready", Stopping: "stopping",
	Says: FeedSays{
		ConfigPublished: "{who} published {object}", ConfigRemoved: "{who} deleted {object}", ConfigInSync: "{object} is in sync on all {n} clients",
		GrayStarted: "{who} started the canary {gray} of {object}", GrayChanged: "{who} changed the canary {gray} of {object}", GrayEnded: "{who} ended the canary {gray} of {object}",
		ClientConnected: "{client} connected", ClientGone: "{client} disconnected",
		ClientBehind: "{client} is behind on {object}", ClientLooping: "{client} asks again and again for {object}", ClientInSync: "{client} is in sync again on {object}",
		ServerState:      "The server is {text}",
		NamespaceCreated: "{who} created the namespace {text}", NamespaceChanged: "{who} changed the namespace {text}", NamespaceRemoved: "{who} deleted the namespace {text}",
		ServiceAppeared: "The service {service} has its first instance", ServiceGone: "The service {service} has no instance any more",
		ServiceDescribed: "The service {service} is described anew", ServiceRemoved: "The service {service} is deleted",
		InstanceUp: "{instance} of {service} is up", InstanceDown: "{instance} of {service} is unhealthy", InstanceChanged: "{instance} of {service} says something else of itself",
		InstanceRemoved: "{instance} of {service} is gone", InstanceOverridden: "{who} changed {instance} of {service} by hand",
	},
	Names: FeedNames{
		ConfigPublished: "published", ConfigRemoved: "deleted", ConfigInSync: "in sync everywhere",
		GrayStarted: "canary started", GrayChanged: "canary changed", GrayEnded: "canary ended",
		ClientConnected: "connected", ClientGone: "disconnected", ClientBehind: "behind", ClientLooping: "looping", ClientInSync: "in sync again",
		ServerState: "server", NamespaceCreated: "namespace created", NamespaceChanged: "namespace changed", NamespaceRemoved: "namespace deleted",
		ServiceAppeared: "service appeared", ServiceGone: "service gone", ServiceDescribed: "service described", ServiceRemoved: "service deleted",
		InstanceUp: "instance up", InstanceDown: "instance unhealthy", InstanceChanged: "instance changed", InstanceRemoved: "instance gone", InstanceOverridden: "instance changed by hand",
	},
}

var chineseFeed = Feed{
	Title: "实时动态", Lead: "本服务器上发生的事件，最新的在最前面。",
	Live: "实时", Paused: "已暂停", Connecting: "正在连接…", Lost: "连接已断开，正在重试…",
	Static: "以页面加载时为准",
	Pause:  "暂停", Resume: "继续", Clear: "清空",
	New: "%s 条新事件", NewMany: "超过 %s 条新事件",
	Text: "名称、用户、应用或地址", Namespace: "命名空间", AllNamespaces: "所有命名空间",
	Kinds: "事件类别", Apply: "筛选", Reload: "刷新",
	Gap:       "在此之前有 %s 条事件已不再保留。",
	Restarted: "服务器已重新启动，期间的事件已不再保留。",
	Group:     "%s 次：%s",
	None:      "还没有发生任何事件", NoneText: "发布一个配置或连接一个客户端，事件会立即出现在这里。", NoneFound: "没有符合条件的事件", WidenIt: "已在服务器保留的最新事件中查找。请放宽筛选条件，或等待新事件自动出现。",
	ShowAll: "显示全部", Older: "更早的事件未显示。",
	From: "来自 %s 的用户", Unknown: "未知用户", Revision: "版本 %s",
	Config: "配置", Gray: "灰度", Client: "客户端", Server: "服务器", Space: "命名空间", Service: "服务", Ready: "就绪", Stopping: "正在停止",
	Says: FeedSays{
		ConfigPublished: "{who} 发布了 {object}", ConfigRemoved: "{who} 删除了 {object}", ConfigInSync: "{object} 已同步到全部 {n} 个客户端",
		GrayStarted: "{who} 对 {object} 开始了灰度 {gray}", GrayChanged: "{who} 修改了 {object} 的灰度 {gray}", GrayEnded: "{who} 结束了 {object} 的灰度 {gray}",
		ClientConnected: "客户端 {client} 已连接", ClientGone: "客户端 {client} 已断开",
		ClientBehind: "客户端 {client} 尚未同步 {object}", ClientLooping: "客户端 {client} 反复拉取 {object}", ClientInSync: "客户端 {client} 已重新同步 {object}",
		ServerState:      "服务器状态：{text}",
		NamespaceCreated: "{who} 创建了命名空间 {text}", NamespaceChanged: "{who} 修改了命名空间 {text}", NamespaceRemoved: "{who} 删除了命名空间 {text}",
		ServiceAppeared: "服务 {service} 有了第一个实例", ServiceGone: "服务 {service} 已没有实例",
		ServiceDescribed: "服务 {service} 的定义已修改", ServiceRemoved: "服务 {service} 已删除",
		InstanceUp: "服务 {service} 的实例 {instance} 已上线", InstanceDown: "服务 {service} 的实例 {instance} 不健康", InstanceChanged: "服务 {service} 的实例 {instance} 更新了自身信息",
		InstanceRemoved: "服务 {service} 的实例 {instance} 已下线", InstanceOverridden: "{who} 手动修改了服务 {service} 的实例 {instance}",
	},
	Names: FeedNames{
		ConfigPublished: "发布", ConfigRemoved: "删除", ConfigInSync: "全部同步",
		GrayStarted: "开始灰度", GrayChanged: "修改灰度", GrayEnded: "结束灰度",
		ClientConnected: "连接", ClientGone: "断开", ClientBehind: "落后", ClientLooping: "循环拉取", ClientInSync: "恢复同步",
		ServerState: "服务器", NamespaceCreated: "创建命名空间", NamespaceChanged: "修改命名空间", NamespaceRemoved: "删除命名空间",
		ServiceAppeared: "服务出现", ServiceGone: "服务消失", ServiceDescribed: "修改服务定义", ServiceRemoved: "删除服务",
		InstanceUp: "实例上线", InstanceDown: "实例不健康", InstanceChanged: "实例更新", InstanceRemoved: "实例下线", InstanceOverridden: "手动修改实例",
	},
}
