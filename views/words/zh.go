package words

var chinese = Words{
	Tag: "zh-CN", Name: "中文",
	Frame:      chineseFrame,
	Parts:      chineseParts,
	Faults:     chineseFaults,
	Enter:      chineseEnter,
	Home:       chineseHome,
	Configs:    chineseConfigs,
	Config:     chineseConfig,
	Edit:       chineseEdit,
	Publish:    chinesePublish,
	History:    chineseHistory,
	Clients:    chineseClients,
	Services:   chineseServices,
	Feed:       chineseFeed,
	Cluster:    chineseCluster,
	Namespaces: chineseNamespaces,
	Transfer:   chineseTransfer,
	Connect:    chineseConnect,
	Time: Time{
		JustNow: "刚刚", Minute: "1 分钟前", Minutes: "%d 分钟前", Hour: "1 小时前", Hours: "%d 小时前",
		Day: "1 天前", Days: "%d 天前",
		ForSeconds: "%d 秒", ForMinutes: "%d 分钟", ForHours: "%d 小时", ForDays: "%d 天",
	},
}
