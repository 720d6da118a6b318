package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"nacre/server/settings"
)

func TestANewKeyIsAnotherEachTime(t *testing.T) {
	_, first, _ := run(t, nil, nil, "cluster", "new-key")
	code, second, _ := run(t, nil, nil, "cluster", "new-key")
	if code != ExitOK || first == second || len(strings.TrimSpace(second)) != 43 {
		t.Errorf("%d: %q, %q", code, first, second)
	}
}

func TestClusterCommandsSayWhatTheServerSays(t *testing.T) {
	var asked string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = r.Method + " " + r.URL.Path + " " + strings.TrimSpace(string(body))
		switch {
		case r.Method == http.MethodGet:
			fmt.Fprint(w, `{"id":"c","leader":"a","voters":3,"reached":2,"needed":2,"waiting":"","members":[
				{"id":"a","address":"10.0.0.1:8848","state":"UP","role":"leader","version":"1"},
				{"id":"","address":"10.0.0.3:8848","state":"DOWN","role":"none","why":"it was not reached yet"}]}`)
		case strings.Contains(string(body), "last"):
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"error":{"kind":"conflict","message":"the cluster would stand still"}}`)
		default:
			fmt.Fprint(w, `{"done":true}`)
		}
	}))
	defer srv.Close()
	for _, tc := range []struct {
		name, args, asked, stdout, stderr string
		code                              int
	}{
		{"members", "members", "GET /nacre/v1/cluster ", "Of 3 voting members 2 are reached, 2 are needed; 0 more may fail.", "", ExitOK},
		{"members that are away", "members", "GET /nacre/v1/cluster ", "it was not reached yet", "", ExitOK},
		{"remove", "remove 10.0.0.3:8848", `POST /nacre/v1/cluster/remove {"force":false,"member":"10.0.0.3:8848"}`, "10.0.0.3:8848 was removed.", "", ExitOK},
		{"remove by force", "remove ab --force", `POST /nacre/v1/cluster/remove {"force":true,"member":"ab"}`, "ab was removed.", "", ExitOK},
		{"a removal that is refused", "remove last", `POST /nacre/v1/cluster/remove {"force":false,"member":"last"}`, "", "the cluster would stand still", ExitFail},
		{"transfer to any", "transfer-leader", `POST /nacre/v1/cluster/transfer {"to":""}`, "The lead was handed over.", "", ExitOK},
		{"transfer to one", "transfer-leader b", `POST /nacre/v1/cluster/transfer {"to":"b"}`, "The lead was handed over.", "", ExitOK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := append([]string{"cluster"}, strings.Fields(tc.args)...)
			code, stdout, stderr := run(t, nil, nil, append(args, "--server", srv.URL)...)
			if code != tc.code || asked != tc.asked || !strings.Contains(stdout, tc.stdout) || !strings.Contains(stderr, tc.stderr) {
				t.Errorf("code %d, asked %s\n%s%s", code, asked, stdout, stderr)
			}
		})
	}
}

func TestRecoveringIsDoneOnlyWhenItIsSaid(t *testing.T) {
	var dir string
	recover := func(fail error, args ...string) (int, string) {
		var out bytes.Buffer
		code := Main(t.Context(), append([]string{"cluster", "recover"}, args...), Env{Stdout: &out, Stderr: &out,
			Recover: func(_ context.Context, s settings.Settings, _ *slog.Logger) (string, error) {
				dir = s.DataDir
				return "c1", fail
			}})
		return code, out.String()
	}
	if code, out := recover(nil, "--data-dir", "d"); code != ExitUsage || dir != "" || !strings.Contains(out, "give --force-single to do it") {
		t.Errorf("without a word it did %d, %q: %s", code, dir, out)
	}
	if code, out := recover(nil, "--data-dir", "d", "--force-single"); code != ExitOK || dir != "d" || !strings.Contains(out, "is now cluster c1, alone") {
		t.Errorf("it did %d, %q: %s", code, dir, out)
	}
	if code, out := recover(errors.New("in use"), "--force-single"); code != ExitFail || !strings.Contains(out, "in use") {
		t.Errorf("a failure is %d: %s", code, out)
	}
}
