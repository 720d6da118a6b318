package v3_test

import (
	"net/http"
	"strings"
	"testing"

	"nacre/server/servertest"
)

// sent returns the answer to a request with a JSON body.
func sent(t *testing.T, method, address, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b := make([]byte, 4096)
	n, _ := res.Body.Read(b)
	return res.Status[:3] + " " + string(b[:n])
}

func TestWhatOperatorsAskOfTheMembersOfANodeAlone(t *testing.T) {
	s := servertest.Start(t)
	own := strings.TrimPrefix(s.URL, "http://")
	for _, tc := range []struct{ name, method, path, body, want string }{
		{"a v1 command that Nacos does not have", "POST", "/nacos/v1/core/ops/raft", `{"command":"nope"}`, `200 {"code":500,"message":"Not support command : nope"`},
		{"a v1 body that is no JSON", "POST", "/nacos/v1/core/ops/raft", `x`, `200 {"code":500,"message":"the body is not`},
		{"nobody to hand over to", "POST", "/nacos/v2/core/ops/raft", `{"command":"transferLeader","value":"10.0.0.1:7848"}`, `200 {"code":500,"message":"this node runs alone`},
		{"nobody to remove", "POST", "/nacos/v3/admin/core/ops/raft", `{"command":"removePeers","value":"10.0.0.1:7848,10.0.0.2:7848"}`, `200 {"code":30000,"message":"this node runs alone`},
		{"what would let a part decide alone is refused", "POST", "/nacos/v3/admin/core/ops/raft", `{"command":"resetPeers","value":"a:1"}`, `200 {"code":30000,"message":"resetPeers would let a part`},
		{"one address where one is meant", "POST", "/nacos/v1/core/ops/raft", `{"command":"transferLeader","value":"a:1,b:1"}`, `200 {"code":500,"message":"transferLeader takes one address"`},
		{"a way of looking for members that Nacos does not have", "POST", "/nacos/v1/core/cluster/switch/lookup?type=nope", "", `200 {"code":500,"message":"The addressing mode exists : nope`},
		{"a node alone looks for nobody", "PUT", "/nacos/v3/admin/core/cluster/lookup?type=file", "", `400 {"code":20002,"message":"parameter validate error","data":"this node runs alone`},
		{"members that are known are described", "PUT", "/nacos/v2/core/cluster/node/list", `[{"address":"` + own + `"}]`, `200 {"code":0,"message":"success","data":true}`},
		{"members that are not are refused", "PUT", "/nacos/v3/admin/core/cluster/node/list", `[{"ip":"10.9.9.9","port":8848}]`, `400 {"code":20002,`},
		{"members that are no JSON", "PUT", "/nacos/v3/admin/core/cluster/node/list", `{`, `400 {"code":100004,`},
		{"members by the beginning of their address", "GET", "/nacos/v3/admin/core/cluster/node/list?address=10.", "", `200 {"code":0,"message":"success","data":[]}`},
		{"members by state", "GET", "/nacos/v3/admin/core/cluster/node/list?state=down", "", `200 {"code":0,"message":"success","data":[]}`},
		{"reports between servers over HTTP are over", "POST", "/nacos/v1/core/cluster/report", "{}", `410 `},
		{"a factor that is no number", "POST", "/nacos/v3/admin/core/loader/smartReloadCluster?loaderFactor=x", "", `400 {"code":20002`},
		{"health", "GET", "/nacos/v2/core/cluster/node/self/health", "", `200 {"code":0,"message":"success","data":"UP"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := sent(t, tc.method, s.URL+tc.path, tc.body); !strings.HasPrefix(got, tc.want) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
