package servertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// ask sends a request and returns status and body.
func ask(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestStrongReadsAndConditionsSeeWhatAnyNodeAcknowledged(t *testing.T) {
	c := Cluster(t, 3)
	for i := range 60 {
		writer, reader := c.Nodes[i%3], c.Nodes[(i+1+i/3%2)%3]
		content := fmt.Sprint("value ", i)
		status, body := ask(t, "PUT", writer.URL+"/nacre/v1/config?dataId=a&group=g", `{"content":"`+content+`"}`, "Content-Type", "application/json")
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		switch i % 4 {
		case 0:
			_, body = ask(t, "GET", reader.URL+"/nacre/v1/config?dataId=a&group=g&consistency=strong", "")
		case 1:
			_, body = ask(t, "GET", reader.URL+"/nacos/v1/cs/configs?dataId=a&group=g", "", "Nacre-Consistency", "strong")
		case 2:
			_, body = ask(t, "GET", reader.URL+"/nacos/v3/client/cs/config?dataId=a&groupName=g", "", "Nacre-Consistency", "strong")
		case 3:
			_, after, _ := strings.Cut(body, `"revision":`)
			revision, _, _ := strings.Cut(after, ",")
			content = "changed " + content
			if status, body = ask(t, "PUT", reader.URL+"/nacre/v1/config?dataId=a&group=g&ifRevision="+revision, `{"content":"`+content+`"}`, "Content-Type", "application/json"); status != http.StatusOK {
				t.Fatalf("a change of what another node acknowledged just now was refused: %d %s", status, body)
			}
			continue
		}
		if !strings.Contains(body, content) {
			t.Fatalf("read %d: %.200s, want %s", i, body, content)
		}
	}
}
