package words

var english = Words{
	Tag: "en", Name: "English",
	Frame:      englishFrame,
	Parts:      englishParts,
	Faults:     englishFaults,
	Enter:      englishEnter,
	Home:       englishHome,
	Configs:    englishConfigs,
	Config:     englishConfig,
	Edit:       englishEdit,
	Publish:    englishPublish,
	History:    englishHistory,
	Clients:    englishClients,
	Services:   englishServices,
	Feed:       englishFeed,
	Cluster:    englishCluster,
	Namespaces: englishNamespaces,
	Transfer:   englishTransfer,
	Connect:    englishConnect,
	Time: Time{
		JustNow: "just now", Minute: "a minute ago", Minutes: "%d minutes ago", Hour: "an hour ago", Hours: "%d hours ago",
		Day: "a day ago", Days: "%d days ago",
		ForSeconds: "%d s", ForMinutes: "%d min", ForHours: "%d h", ForDays: "%d d",
	},
}
