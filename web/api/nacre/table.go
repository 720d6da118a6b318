package nacre

import (
	"net/http"
	"slices"

	"nacre/server/config/search"
	"nacre/server/metrics/series"
)

const (
	exampleMD5 = "5eb63bbbe01eeed093cb22bb8f5acdc3"
	exampleMs  = 1720000000000
)

var (
	exampleNamespace  = namespaceBody{ID: "dev", Name: "development", Desc: "of the shop", Configs: 12, CreatedMs: exampleMs, ModifiedMs: exampleMs}
	exampleHistoryRow = historyRow{
		NID: 7, Namespace: "dev", Group: "DEFAULT_GROUP", DataID: "app.yaml", Revision: 42, Op: "U", PublishType: "formal",
		MD5: exampleMD5, Operator: "alice", From: "10.0.0.7", AtMs: exampleMs, Comment: "more workers",
	}
	exampleVersion = versionBody{
		Revision: 42, Op: "U", Kind: "restore", FromRev: 40, Comment: "more workers", Operator: "alice", From: "10.0.0.7", AtMs: exampleMs, Known: true,
		MD5: exampleMD5, Size: 11,
	}
)

var (
	exampleClient = clientBody{
		ID: "1720000000000_10.0.0.7_51234", Transport: "grpc", IP: "10.0.0.7", Remote: "10.0.0.7:51234", AppName: "shop", SDK: "Nacos-Java-Client:v3.1.0",
		Tenant: "dev", Labels: map[string]string{"module": "config"}, ConnectedMs: exampleMs, Node: "node-1",
	}
	exampleClientRow = clientRow{clientBody: exampleClient, Connected: true, Listenings: 10}
	exampleListening = listeningBody{
		Namespace: "dev", Group: "DEFAULT_GROUP", DataID: "app.yaml", State: "inSync", Connected: true, MD5: exampleMD5, WantMD5: exampleMD5,
		Revision: 42, PushedMs: exampleMs, AckedMs: exampleMs + 3, ListenedMs: exampleMs + 12, Attempts: 1,
	}
	exampleDelivery = deliveryPage{
		Namespace: "dev", Group: "DEFAULT_GROUP", DataID: "app.yaml", MD5: exampleMD5, Revision: 42, standing: standing{Listeners: 1, InSync: 1},
		Total: 1, Page: 1, Pages: 1, Rows: []deliveryRow{{exampleClient, exampleListening}}, Unreached: []unreachedNode{},
	}
)

var exampleSearch = searchPage{Revision: 42, Total: 1, Page: 1, Pages: 1, Configs: []searchRow{{
	configRow: configRow{
		Namespace: "dev", Group: "DEFAULT_GROUP", DataID: "app.yaml", ID: 3, MD5: exampleMD5, Type: "yaml", AppName: "shop", Tags: []string{"web"}, Revision: 42, ModifiedMs: exampleMs, ModifiedBy: "alice",
	},
	Published: true, Variants: 1, Size: 11,
	Hits: []searchHit{{Field: search.FieldContent, Line: 3, Path: "spring.redis.host", Before: "host: ", Match: "cache", After: ".internal"}},
}}}

// operations returns the table of the whole API.
func operations() []operation {
	return slices.Concat(configOperations(), namingOperations(), clusterOperations(), archiveOperations())
}

// configOperations are the rows of all but the registry.
func configOperations() []operation {
	return []operation{
		jsonOperation(operation{
			id: "listConfigs", method: http.MethodGet, path: "/configs", summary: "A page of configurations, in the order of their ids.",
			text: "All conditions hold at once. Contents are not in the answer.",
			example: configPage{Revision: 42, Total: 1, Page: 1, Pages: 1, Configs: []configRow{{
				Namespace: "dev", Group: "DEFAULT_GROUP", DataID: "app.yaml", ID: 3, MD5: exampleMD5, Type: "yaml", AppName: "shop",
				Tags: []string{"web"}, Desc: "", Revision: 42, ModifiedMs: exampleMs, ModifiedBy: "alice",
			}}},
		}, (*api).list),
		jsonOperation(operation{
			id: "searchConfigs", method: http.MethodGet, path: "/search", summary: "A page of the configurations that a search finds, in the order of namespace, group and dataId.",
			text: "Words are looked for, in any case, in names, descriptions, contents, those of variants included, and paths of keys such as spring.redis.host. " +
				"Operators are group: ns: type: tag: app: by: key: value: changed:<7d and listener:none, any or behind; a minus before a term denies it, quotation marks hold words together. " +
				"It is read from memory: what was published is found at once.",
			faults: []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}, example: exampleSearch,
		}, (*api).search),
		jsonOperation(operation{
			id: "getConfig", method: http.MethodGet, path: "/config", summary: "One configuration, with its content and variants.",
			text: "The header ETag has the md5 in quotes.", faults: []int{http.StatusNotFound, http.StatusServiceUnavailable},
			example: configBody{
				Namespace: "dev", Group: "DEFAULT_GROUP", DataID: "app.yaml", Published: true, ID: 3, Content: "hello world", MD5: exampleMD5, Type: "yaml",
				AppName: "shop", Tags: []string{"web"}, Revision: 42, CreatedMs: exampleMs, ModifiedMs: exampleMs, ModifiedBy: "alice", ModifiedFrom: "10.0.0.7",
				Grays: []grayBody{{
					Name: "beta", Rule: ruleBody{"beta", "10.0.0.1", 2147483647}, Content: "hello you", MD5: "4d1c4e3a2d5c1d9d9a0c6d3d1b9e0d2f", Revision: 41, ModifiedMs: exampleMs,
				}},
			},
		}, (*api).get),
		jsonOperation(operation{
			id: "putConfig", method: http.MethodPut, path: "/config", summary: "Publishes a configuration, or a variant of one.",
			text: "The configuration becomes what the body says: attributes that are left out become empty. " +
				"It is durable when the answer comes. With a condition that does not hold nothing changes.",
			faults:  []int{http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge},
			example: publishAnswer{ID: 3, MD5: exampleMD5, Revision: 42, Created: true},
		}, (*api).publish),
		jsonOperation(operation{
			id: "deleteConfig", method: http.MethodDelete, path: "/config", summary: "Removes a configuration with all its variants, or one variant.",
			example: removeAnswer{Existed: true, Revision: 43},
		}, (*api).remove),
		jsonOperation(operation{
			id: "validate", method: http.MethodPost, path: "/validate", summary: "What is wrong in a content, before it is published.",
			text: "Nothing is kept.",
			example: validateAnswer{Type: "yaml", Detected: "yaml", Problems: []problemBody{{
				Line: 3, Column: 2, EndColumn: 6, Severity: "error", Code: "yamlIndent", Text: "this line fits no block above: its indentation is unlike that of its neighbours",
			}}},
		}, (*api).validate),
		jsonOperation(operation{
			id: "planImport", method: http.MethodPost, path: "/imports/plan", summary: "What an import would do, without contents and without doing it.",
			example: planAnswer{Revision: 42, New: 1, Conflict: 1, Configs: []planRow{
				{Group: "DEFAULT_GROUP", DataID: "new.yaml", State: planNew},
				{Group: "DEFAULT_GROUP", DataID: "app.yaml", State: planConflict, MD5: exampleMD5, Revision: 42},
			}},
		}, (*api).plan),
		jsonOperation(operation{
			id: "importConfigs", method: http.MethodPost, path: "/imports", summary: "Publishes many configurations.",
			text: "What is there with the same content and attributes is left alone. One that is refused does not stop the others.",
			example: importAnswer{Revision: 44, Created: 1, Configs: []importRow{
				{Group: "DEFAULT_GROUP", DataID: "new.yaml", Result: importCreated, MD5: exampleMD5, Revision: 44},
			}},
			faults: []int{http.StatusRequestEntityTooLarge},
		}, (*api).importMany),
		rawOperation(operation{
			id: "exportConfigs", method: http.MethodGet, path: "/export", summary: "Configurations as a ZIP that Nacos can import, too.",
			text:  "Entries are group/dataId; .metadata.yml has the attributes.",
			media: mediaZIP,
		}, (*api).export),
		jsonOperation(operation{
			id: "listHistory", method: http.MethodGet, path: "/history", summary: "What happened to one configuration, newest first, without contents.",
			example: historyPage{Total: 1, Page: 1, Pages: 1, Rows: []historyRow{exampleHistoryRow}},
		}, (*api).history),
		jsonOperation(operation{
			id: "getHistoryRow", method: http.MethodGet, path: "/history/{nid}", summary: "One row of the history, with its content.",
			faults:  []int{http.StatusNotFound},
			example: historyDetail{historyRow: exampleHistoryRow, Content: "hello world", ExtInfo: `{"type":"yaml"}`},
		}, (*api).historyRow),
		jsonOperation(operation{
			id: "listVersions", method: http.MethodGet, path: "/versions", summary: "What each change made of one configuration and its variants, newest first, without contents.",
			example: versionPage{Versions: []versionBody{exampleVersion}},
		}, (*api).versions),
		jsonOperation(operation{
			id: "getVersion", method: http.MethodGet, path: "/version", summary: "A configuration, or a variant, as one change left it.",
			faults:  []int{http.StatusNotFound},
			example: versionDetail{versionBody: exampleVersion, Content: "hello world", attributes: attributes{Type: "yaml", Tags: []string{"web"}}},
		}, (*api).version),
		jsonOperation(operation{
			id: "listDeleted", method: http.MethodGet, path: "/deleted", summary: "The last delete of each configuration that is not there now, newest first.",
			example: historyPage{Total: 1, Page: 1, Pages: 1, Rows: []historyRow{exampleHistoryRow}},
		}, (*api).deleted),
		jsonOperation(operation{
			id: "restoreConfig", method: http.MethodPost, path: "/restore", summary: "Publishes again what a change made, or what a delete took away.",
			faults:  []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge},
			example: publishAnswer{ID: 3, MD5: exampleMD5, Revision: 43},
		}, (*api).restore),
		jsonOperation(operation{
			id: "promoteGray", method: http.MethodPost, path: "/promote", summary: "Gives a variant's content to all, and ends the variant, as one change.",
			faults:  []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge},
			example: publishAnswer{ID: 3, MD5: exampleMD5, Revision: 43},
		}, (*api).promote),
		jsonOperation(operation{
			id: "listNamespaces", method: http.MethodGet, path: "/namespaces", summary: "A page of namespaces, the default one first.",
			example: namespacePage{Total: 2, Page: 1, Pages: 1, Namespaces: []namespaceBody{{ID: "public", Name: "public", Desc: "Default Namespace", Default: true, Configs: 3}, exampleNamespace}},
		}, (*api).namespaces),
		jsonOperation(operation{
			id: "createNamespace", method: http.MethodPost, path: "/namespaces", summary: "Creates a namespace.",
			faults: []int{http.StatusConflict, http.StatusTooManyRequests}, example: exampleNamespace,
		}, (*api).createNamespace),
		jsonOperation(operation{
			id: "getNamespace", method: http.MethodGet, path: "/namespaces/{id}", summary: "One namespace.",
			faults: []int{http.StatusNotFound}, example: exampleNamespace,
		}, (*api).namespace),
		jsonOperation(operation{
			id: "putNamespace", method: http.MethodPut, path: "/namespaces/{id}", summary: "Changes a namespace's name and description.",
			faults: []int{http.StatusNotFound}, example: exampleNamespace,
		}, (*api).updateNamespace),
		jsonOperation(operation{
			id: "deleteNamespace", method: http.MethodDelete, path: "/namespaces/{id}", summary: "Removes a namespace, not what is in it.",
			example: existedAnswer{Existed: true},
		}, (*api).removeNamespace),
		jsonOperation(operation{
			id: "getDelivery", method: http.MethodGet, path: "/delivery", summary: "Who listens for a configuration, and who has it.",
			text:    "Those that are behind come first. The configuration need not exist.",
			example: exampleDelivery,
		}, (*api).delivery),
		jsonOperation(operation{
			id: "listClients", method: http.MethodGet, path: "/delivery/clients", summary: "A page of the clients that are connected or poll.",
			example: clientPage{Total: 1, Page: 1, Pages: 1, Clients: []clientRow{exampleClientRow}, Unreached: []unreachedNode{}},
		}, (*api).clients),
		jsonOperation(operation{
			id: "getClient", method: http.MethodGet, path: "/delivery/clients/{id}", summary: "One client, and what it listens for.",
			faults: []int{http.StatusNotFound}, example: clientDetail{clientRow: exampleClientRow, Page: 1, Pages: 1, Rows: []listeningBody{exampleListening}},
		}, (*api).client),
		jsonOperation(operation{
			id: "getDeliverySummary", method: http.MethodGet, path: "/delivery/summary", summary: "How many listen, and how many of them have what they are to see.",
			example: deliverySummary{Node: "node-1", GRPCClients: 14, Listenings: 140, InSync: 139, Behind: 1, Pushes: 500, Acks: 499, Resent: 1, Unreached: []unreachedNode{}},
		}, (*api).deliverySummary),
		rawOperation(operation{
			id: "readFeed", method: http.MethodGet, path: "/feed", summary: "What happens, as server-sent events.",
			text: "Each event has a number (id), one more than the event before it; who comes back with it (since, or Last-Event-ID) gets each event once. " +
				"An event named gap says how many were missed because they are not held any more.",
			media: mediaEvents, faults: []int{http.StatusTooManyRequests, http.StatusServiceUnavailable},
		}, (*api).feed),
		jsonOperation(operation{
			id: "readSeries", method: http.MethodGet, path: "/series", summary: "Figures of this node over time, for charts.",
			text:    "They are read each 5 s and held for an hour; of a day there is the mean and the greatest of each minute. They begin anew with the process.",
			example: seriesAnswer{Range: "15m", StartMs: exampleMs, StepMs: 5000, Series: []seriesLine{{Name: "publish_p99", Unit: "ms", Values: []series.Value{2.5, 3.25}, Max: []series.Value{}}}},
		}, (*api).series),
		jsonOperation(operation{
			id: "getStatus", method: http.MethodGet, path: "/status", summary: "How this node is, and what it holds.",
			example: statusAnswer{
				Version: "1.0.0", Ready: true, NowMs: exampleMs, Revision: 42,
				Node:   Node{Name: "node-1", Role: "standalone", Storage: "embedded", StartedMs: exampleMs, Journal: Journal{AppliedIndex: 50, WrittenIndex: 50, Groups: 40, Commands: 44, Syncs: 40}},
				Counts: counts{Configs: 12, ContentBytes: 12288, Namespaces: 2, WaitingClients: 4, WaitingKeys: 40},
				Writes: writes{Published: 42, Removed: 2},
			},
		}, (*api).status),
	}
}
