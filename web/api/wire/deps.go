package wire

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/config/transfer"
	"nacre/server/namespace"
	"nacre/server/naming"
	"nacre/server/view"
)

// Deps is what the handlers of a version work on.
type Deps struct {
	Configs  *config.Service
	Delivery *delivery.Ledger
	Clients  Clients
	// Nodes asks all nodes what each knows, Cluster tells who they are.
	Nodes      *view.Nodes
	Cluster    Cluster
	Machine    *Machine
	Namespaces *namespace.Service
	Transfer   *transfer.Service
	Clock      clock.Clock
	Log        *slog.Logger
	Switches   Switches
	// ClientIP returns the address of the client, a trusted proxy's word included.
	ClientIP func(*fiber.Ctx) string
	// Ready returns why the server is not ready, nil when it is.
	Ready func() error
	Info  ServerInfo
	// Strong returns when this node holds all that was acknowledged on any node before the call; nil where there is no other node.
	// Faults: Unavailable.
	Strong func(context.Context) error
	// Reads counts reads of one configuration through the version; nil counts none.
	Reads interface{ Inc() }
	// Naming is the registry; when it is nil, its paths are not there.
	Naming *naming.Registry
	// SetLogLevel makes the log say what is of this level and above: debug, info, warn or error. Faults: Invalid for another word.
	SetLogLevel func(level string) error
	// Subscribed, when not nil, is told of each client that asks for a service, in some clusters, and wants to hear of changes over
	// UDP. Clients say so again with each list that they ask for. The texts are good until it returns.
	Subscribed func(from Asker, k naming.Key, clusters string)
}

// Asker is a client that wants to hear over UDP.
type Asker struct {
	// Source is the address that it asks from, Claimed the one that it says it has, "" for none, and Port where it listens.
	Source, Claimed string
	Port            int
	// Agent is its library with the version.
	Agent string
}

// CountRead counts a read of one configuration.
func (d *Deps) CountRead() {
	if d.Reads != nil {
		d.Reads.Inc()
	}
}

// Context returns the context for what a handler calls. It is not fasthttp's: that one belongs to
// the next request as soon as the handler returned.
func Context(c *fiber.Ctx) context.Context { return c.UserContext() }

// ServerInfo is what the state pages of Nacos' APIs say about this server.
type ServerInfo struct {
	Version  string
	Cluster  bool
	Port     int
	GRPCPort int
	// Address is host:port of HTTP, as other nodes and operators know the server.
	Address        string
	AuthEnabled    bool
	MySQL          bool
	RetentionDays  int
	CapacityCheck  bool
	QuotaCluster   int
	QuotaGroup     int
	QuotaNamespace int
	QuotaMaxSize   int64
	MaxContent     int64
}

// Limits of aggregates, which this server does not have; Nacos' answers show them.
const (
	MaxAggrCount = 10000
	MaxAggrSize  = 1024
)

// State returns the state as Nacos shows it: all values are texts or null.
func (i ServerInfo) State() map[string]any {
	mode, platform := "standalone", ""
	if i.Cluster {
		mode = "cluster"
	}
	if i.MySQL {
		platform = "mysql"
	}
	return map[string]any{
		"version": i.Version, "startup_mode": mode, "function_mode": nil, "server_port": strconv.Itoa(i.Port),
		"auth_enabled": strconv.FormatBool(i.AuthEnabled), "login_page_enabled": strconv.FormatBool(i.AuthEnabled),
		"auth_system_type": "nacos", "auth_admin_request": "false", "console_ui_enabled": "true",
		"datasource_platform": platform, "plugin_datasource_log_enabled": "false",
		"config_retention_days": strconv.Itoa(i.RetentionDays), "maxContent": strconv.FormatInt(i.MaxContent, 10),
		"isManageCapacity": "true", "isCapacityLimitCheck": strconv.FormatBool(i.CapacityCheck),
		"defaultClusterQuota": strconv.Itoa(i.QuotaCluster), "defaultGroupQuota": strconv.Itoa(i.QuotaGroup),
		"defaultMaxSize": strconv.FormatInt(i.QuotaMaxSize, 10), "defaultMaxAggrCount": strconv.Itoa(MaxAggrCount),
		"defaultMaxAggrSize": strconv.Itoa(MaxAggrSize), "isHealthCheck": "true", "maxHealthCheckFailCount": "12",
		"notifyConnectTimeout": "100", "notifySocketTimeout": "200",
	}
}
