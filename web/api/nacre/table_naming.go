package nacre

import (
	"net/http"
	"reflect"

	"github.com/gofiber/fiber/v2"
)

var (
	exampleWeight  = 50.0
	exampleService = serviceRow{
		Namespace: "dev", Group: "DEFAULT_GROUP", Service: "orders", Ephemeral: true, Clusters: 1, Instances: 3, Healthy: 2, Overridden: 1, Subscribers: 4,
		Revision: 17, ChangedMs: exampleMs,
	}
	exampleInstance = instanceBody{
		IP: "10.0.0.7", Port: 8080, Cluster: "DEFAULT", Weight: 1, Healthy: true, Enabled: true, Ephemeral: true, Metadata: map[string]string{"zone": "a"},
	}
	exampleOverride = overrideBody{Weight: &exampleWeight, Metadata: map[string]string{}, User: "alice", From: "10.0.0.7", AtMs: exampleMs}
	exampleDrained  = overrideBody{
		Metadata: map[string]string{}, User: "alice", From: "10.0.0.7", AtMs: exampleMs,
		Drain: &drainBody{State: "sinking", FromMs: exampleMs, UntilMs: exampleMs + 60_000, OfflineMs: exampleMs + 70_000},
	}
	exampleOverrideRow  = overrideRow{"10.0.0.7", 8080, "DEFAULT", exampleOverride, &exampleInstance}
	exampleDrainRow     = overrideRow{"10.0.0.7", 8080, "DEFAULT", exampleDrained, &exampleInstance}
	exampleNamingClient = namingClient{
		ID: "1720000000000_10.0.0.7_51234", Kind: "connection", IP: "10.0.0.7", Remote: "10.0.0.7:51234", AppName: "shop", SDK: "Nacos-Java-Client:v3.1.0",
		ConnectedMs: exampleMs, SeenMs: exampleMs, Revision: 2, Published: 1, Subscribed: 1,
	}
	exampleTargets = []targetGroup{{Targets: []string{"10.0.0.7:8080"}, Labels: map[string]string{
		"__meta_nacre_namespace": "dev", "__meta_nacre_group": "DEFAULT_GROUP", "__meta_nacre_service": "orders", "__meta_nacre_cluster": "DEFAULT",
		"__meta_nacre_ephemeral": "true", "__meta_nacre_weight": "1", "__meta_nacre_metadata_zone": "a",
	}}}
)

// namingOperations are the rows of the registry.
func namingOperations() []operation {
	limits := []int{http.StatusNotFound, http.StatusTooManyRequests}
	return []operation{
		jsonOperation(operation{
			id: "listServices", method: http.MethodGet, path: "/naming/services", summary: "A page of a namespace's services, by group and name.",
			example: servicePage{Total: 1, Page: 1, Pages: 1, Services: []serviceRow{exampleService}},
		}, (*api).services),
		jsonOperation(operation{
			id: "getService", method: http.MethodGet, path: "/naming/service", summary: "One service, with what is described of it.",
			faults: []int{http.StatusNotFound},
			example: serviceDetail{
				serviceRow: exampleService, Described: true, ProtectThreshold: 0.3, Metadata: map[string]string{"owner": "shop"}, ModifiedBy: "alice", ModifiedMs: exampleMs,
				ClusterList: []clusterBody{{Name: "DEFAULT", Check: "TCP", CheckPort: 80, Metadata: map[string]string{}}},
			},
		}, (*api).service),
		jsonOperation(operation{
			id: "listInstances", method: http.MethodGet, path: "/naming/instances", summary: "A page of the instances of one service.",
			text:   "Without a condition they are all there, as an operator sees them; healthy and enabled both: what is to be called.",
			faults: []int{http.StatusNotFound},
			example: instancePage{
				Namespace: "dev", Group: "DEFAULT_GROUP", Service: "orders", Total: 1, Page: 1, Pages: 1, Instances: []instanceBody{exampleInstance},
			},
		}, (*api).instances),
		jsonOperation(operation{
			id: "getInstanceEvents", method: http.MethodGet, path: "/naming/instances/events", summary: "Why an instance is as it is: what happened to it, and who did it.",
			text:   "The last 16 events are held, also for ten minutes after the instance went.",
			faults: []int{http.StatusNotFound},
			example: whyBody{
				Shown: &exampleInstance, Registered: &exampleInstance, ClientID: "1720000000000_10.0.0.7_51234", SinceMs: exampleMs, Others: []string{},
				Events: []noteBody{{AtMs: exampleMs, What: "registered", By: "1720000000000_10.0.0.7_51234"}},
			},
		}, (*api).events),
		jsonOperation(operation{
			id: "listOverrides", method: http.MethodGet, path: "/naming/overrides", summary: "What operators laid over the instances of one service, also of those that are not there now.",
			example: overrideList{Overrides: []overrideRow{exampleOverrideRow}},
		}, (*api).overrides),
		jsonOperation(operation{
			id: "setOverride", method: http.MethodPatch, path: "/naming/override", summary: "Lays something over an instance, whoever registers it, however often.",
			text:   "What the body leaves out stays as it lies there. The instance need not be there now.",
			faults: limits, example: exampleOverrideRow,
		}, (*api).setOverride),
		jsonOperation(operation{
			id: "clearOverride", method: http.MethodDelete, path: "/naming/override", summary: "Takes away all that lies over an instance, a drain included.",
			faults: limits, example: existedAnswer{Existed: true},
		}, (*api).clearOverride),
		jsonOperation(operation{
			id: "drainInstance", method: http.MethodPost, path: "/naming/drain", summary: "Takes an instance out of service: its weight sinks to 0, and later it is offline.",
			text:   "It goes on whoever registers the instance, and when the server restarts. It lies over the instance until it is stopped.",
			faults: limits, example: exampleDrainRow,
		}, (*api).drain),
		jsonOperation(operation{
			id: "getDrain", method: http.MethodGet, path: "/naming/drain", summary: "How far an instance is drained.",
			faults: []int{http.StatusNotFound}, example: exampleDrainRow,
		}, (*api).drainState),
		jsonOperation(operation{
			id: "stopDrain", method: http.MethodDelete, path: "/naming/drain", summary: "Gives an instance that is drained, or was, its weight again, and has it online.",
			faults: limits, example: existedAnswer{Existed: true},
		}, (*api).stopDrain),
		jsonOperation(operation{
			id: "listNamingClients", method: http.MethodGet, path: "/naming/clients", summary: "A page of who registers and subscribes.",
			example: namingClientPage{Total: 1, Page: 1, Pages: 1, Clients: []namingClient{exampleNamingClient}},
		}, (*api).namingClients),
		jsonOperation(operation{
			id: "getNamingClient", method: http.MethodGet, path: "/naming/clients/{id}", summary: "One client, with all that it registered and subscribes to.",
			faults: []int{http.StatusNotFound},
			example: namingClientDetail{
				namingClient: exampleNamingClient,
				Publishes:    []publishedRow{{Namespace: "dev", Group: "DEFAULT_GROUP", Service: "orders", SinceMs: exampleMs, Instances: []instanceBody{exampleInstance}}},
				Subscribes:   []subscribedRow{{Namespace: "dev", Group: "DEFAULT_GROUP", Service: "stock", SinceMs: exampleMs, PushedMs: exampleMs, AckedMs: exampleMs + 3, InSync: true}},
			},
		}, (*api).namingClient),
		rawOperation(operation{
			id: "listTargets", method: http.MethodGet, path: "/sd/prometheus", summary: "Healthy enabled instances with their labels, as Prometheus' HTTP service discovery reads them.",
			text: "The header ETag names what the answer holds; who sends it as If-None-Match is answered with 304 while that stays.",
			out:  reflect.TypeFor[*[]targetGroup](), media: fiber.MIMEApplicationJSON, example: exampleTargets,
		}, (*api).targets),
	}
}
