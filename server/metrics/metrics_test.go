package metrics

import (
	"bytes"
	"math"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func full() Sources {
	return Sources{
		Writes:  func() Writes { return Writes{Published: 7, Removed: 1, Refused: 2, Failed: 3} },
		Held:    func() Held { return Held{Configs: 4, Grays: 1, Namespaces: 2, ContentBytes: 4096} },
		Waiting: func() (int64, int64) { return 5, 50 },
		Polls:   func() Polls { return Polls{Answered: 9, TimedOut: 8, Gone: 7, Refused: 6} },
		Conns:   func() Conns { return Conns{Open: 20, Accepted: 30} },
		GRPC: func() GRPC {
			return GRPC{Open: 9, Registered: 8, Accepted: 40, Refused: 2, Requests: 100, Failed: 4, Silent: 3}
		},
		Delivery: func() Delivery {
			return Delivery{GRPCClients: 8, HTTPClients: 5, Listeners: 80, Behind: 3, Looping: 1, Pushes: 50, Acks: 49, Resent: 2}
		},
		Feed: func() Feed { return Feed{Events: 60, Readers: 2, Cut: 1} },
		Naming: func() Naming {
			return Naming{
				Services: 50, Instances: 400, Subscriptions: 90, Connections: 21, Beating: 22, Persistent: 23, Datagram: 24, Waiting: 5, Behind: 6,
				RegisteredTotal: 500, DeregisteredTotal: 100, HeartbeatsTotal: 9000, UnhealthyTotal: 12, ExpiredTotal: 10, PushesTotal: 800, AcksTotal: 799, ResentTotal: 4,
			}
		},
		Groups: func() (uint64, uint64) { return 3, 9 },
		Queued: func() int { return 6 },
		Fsyncs: func() uint64 { return 11 },
		Image:  func() Image { return Image{Applied: 12, Written: 10, BehindBytes: 2048} },
		Ready:  func() bool { return true },
		Leader: func() bool { return false },
		Database: func() Database {
			return Database{Up: true, Transactions: 7, Seconds: .5, Revision: 9, SeenSeconds: .25}
		},
		DataBytes: func() (int64, int64) { return 1000, 2000 },
	}
}

func text(t *testing.T, r *Registry) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFiguresOfAllSourcesAreShown(t *testing.T) {
	r := New(full())
	r.Reads("v1").Inc()
	r.GroupSize().Observe(3)
	r.FsyncSeconds().Observe(.001)
	r.ChangeSeconds().Observe(.003)
	r.PushSeconds().Observe(.01)
	r.Requests().Count("/nacos/v1/cs/configs", 200)
	r.Requests().Count("/nacos/v1/cs/configs", 200)
	r.Requests().Count("/nacos/v1/cs/configs", 404)
	got := text(t, r)
	for _, want := range []string{
		`nacre_config_publishes_total{result="ok"} 7`,
		`nacre_config_publishes_total{result="refused"} 2`,
		`nacre_config_publishes_total{result="failed"} 3`,
		`nacre_config_removes_total 1`,
		`nacre_config_reads_total{api="v1"} 1`,
		`nacre_configs 4`, `nacre_config_grays 1`, `nacre_namespaces 2`, `nacre_config_cache_bytes 4096`,
		`nacre_longpoll_waiting 5`, `nacre_longpoll_waiting_keys 50`, `nacre_longpolls_total{end="timeout"} 8`, `nacre_http_connections 20`, `nacre_http_connections_accepted_total 30`,
		`nacre_grpc_connections{registered="yes"} 8`, `nacre_grpc_connections{registered="no"} 1`, `nacre_grpc_connections_accepted_total{result="refused"} 2`,
		`nacre_grpc_requests_total{result="ok"} 96`, `nacre_grpc_requests_total{result="error"} 4`, `nacre_grpc_connections_silent_total 3`,
		`nacre_clients{transport="grpc"} 8`, `nacre_clients{transport="http"} 5`, `nacre_listeners{state="in_sync"} 76`, `nacre_listeners{state="behind"} 3`,
		`nacre_pushes_total 50`, `nacre_push_acks_total 49`, `nacre_push_resends_total 2`,
		`nacre_feed_events_total 60`, `nacre_feed_readers 2`, `nacre_feed_readers_cut_total 1`,
		`nacre_naming_services 50`, `nacre_naming_instances 400`, `nacre_naming_subscriptions 90`, `nacre_naming_clients{kind="grpc"} 21`,
		`nacre_naming_clients{kind="http"} 22`, `nacre_naming_clients{kind="persistent"} 23`, `nacre_naming_clients{kind="udp"} 24`,
		`nacre_naming_services_waiting 5`, `nacre_naming_clients_behind 6`, `nacre_naming_changes_total{kind="registered"} 500`,
		`nacre_naming_changes_total{kind="deregistered"} 100`, `nacre_naming_changes_total{kind="unhealthy"} 12`, `nacre_naming_changes_total{kind="expired"} 10`,
		`nacre_naming_heartbeats_total 9000`, `nacre_naming_pushes_total 800`, `nacre_naming_push_acks_total 799`, `nacre_naming_push_resends_total 4`,
		`nacre_journal_groups_total 3`, `nacre_journal_commands_total 9`, `nacre_journal_queued_commands 6`, `nacre_journal_fsyncs_total 11`,
		`nacre_journal_group_size_bucket{le="4"} 1`, `nacre_journal_fsync_seconds_count 1`,
		`nacre_config_change_seconds_bucket{le="0.003"} 1`, `nacre_push_ack_seconds_bucket{le="0.012"} 1`,
		`nacre_database_up 1`, `nacre_database_transactions_total 7`, `nacre_database_seconds_total 0.5`, `nacre_database_revision 9`, `nacre_database_tail_lag_seconds 0.25`,
		`nacre_journal_applied_index 12`, `nacre_image_lag_entries 2`, `nacre_image_lag_bytes 2048`,
		`nacre_ready 1`, `nacre_journal_leader 0`, `nacre_data_bytes{part="log"} 2000`,
		`nacre_http_requests_total{code="200",route="/nacos/v1/cs/configs"} 2`,
		`nacre_http_requests_total{code="404",route="/nacos/v1/cs/configs"} 1`,
		`nacre_build_info{`, `go_goroutines `, `process_resident_memory_bytes `,
	} {
		if !strings.Contains(got, "\n"+want) {
			t.Errorf("missing %s", want)
		}
	}
}

func TestNamesFollowPrometheusConventions(t *testing.T) {
	r := New(full())
	r.Requests().Count("/", 200)
	problems, err := promlint.New(strings.NewReader(text(t, r))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "nacre_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestMetricsWithoutASourceAreLeftOut(t *testing.T) {
	got := text(t, New(Sources{Queued: func() int { return 1 }}))
	if !strings.Contains(got, "nacre_journal_queued_commands 1") || strings.Contains(got, "nacre_configs ") {
		t.Error(got)
	}
	if got := text(t, New(Sources{})); !strings.Contains(got, "nacre_build_info") {
		t.Error(got)
	}
}

func TestRequestsAreCountedFromManyGoroutines(t *testing.T) {
	r := New(Sources{})
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 1000 {
				r.Requests().Count("/r", 200+(i+g)%5)
			}
		})
	}
	all.Wait()
	got := text(t, r)
	for _, code := range []string{"200", "201", "202", "203", "204"} {
		if want := `nacre_http_requests_total{code="` + code + `",route="/r"} 1600`; !strings.Contains(got, want) {
			t.Errorf("missing %s", want)
		}
	}
}

func TestFiguresAreReadWithoutText(t *testing.T) {
	r := New(Sources{})
	for _, seconds := range []float64{.0001, .003, 9} {
		r.ChangeSeconds().Observe(seconds)
	}
	b := BucketsOf(r.ChangeSeconds())
	if n := len(latencies) + 1; len(b.Bounds) != n || len(b.Counts) != n || b.Counts[0] != 1 || b.Counts[n-2] != 2 || b.Counts[n-1] != 3 || !math.IsInf(b.Bounds[n-1], 1) {
		t.Errorf("the buckets are %+v", b)
	}
	if b := BucketsOf(nil); len(b.Counts) != 0 {
		t.Errorf("no histogram has the buckets %+v", b)
	}
	for _, api := range []string{"v1", "v2", "v1"} {
		r.Reads(api).Inc()
	}
	for _, code := range []int{200, 200, 404} {
		r.Requests().Count("/a", code)
		r.Requests().Count("/b", code)
	}
	if reads, requests := r.ReadCount(), r.Requests().Total(); reads != 3 || requests != 6 {
		t.Errorf("%d reads and %d requests, not 3 and 6", reads, requests)
	}
}

func TestTheRouteIsCopied(t *testing.T) {
	r := New(Sources{})
	route := []byte("/first")
	r.Requests().Count(unsafe.String(&route[0], len(route)), 200)
	copy(route, "/other")
	if got := text(t, r); !strings.Contains(got, `route="/first"`) {
		t.Error(got)
	}
}

func BenchmarkCountRequest(b *testing.B) {
	r := New(Sources{}).Requests()
	r.Count("/nacos/v1/cs/configs", 200)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Count("/nacos/v1/cs/configs", 200)
		}
	})
}
