package rpc_test

import (
	"fmt"
	"sync"
	"testing"

	"nacre/server/naming"
	"nacre/server/rpc/rpctest"
	"nacre/server/servertest"
)

// Who subscribes and never reads costs what is under way to it, no more, and holds up nobody. Once it reads, it is told of the latest.
func TestSubscribersThatNeverReadHoldUpNobody(t *testing.T) {
	s := servertest.Start(t)
	const slow, hosts, changes = 4, 200, 30
	read := make(chan struct{})
	var once sync.Once
	release := func() { once.Do(func() { close(read) }) }
	defer release() // a client that is closed waits for what it reads
	var told [slow]chan info
	for n := range slow {
		told[n] = make(chan info, 10*changes)
		sub := dial(t, s.GRPC, rpctest.Options{Setup: namingSetup, Window: 64 << 10, Push: func(m rpctest.Message) bool {
			if m.Type != "NotifySubscriberRequest" {
				return true
			}
			<-read
			told[n] <- infoOf(t, m)
			return true
		}})
		call(t, sub, "SubscribeServiceRequest", service("s", fields{"subscribe": true}))
	}
	quick, seen := namingClient(t, s.GRPC, true)
	call(t, quick, "SubscribeServiceRequest", service("s", fields{"subscribe": true}))
	pub, _ := namingClient(t, s.GRPC, true)
	last := ""
	for step := range changes { // more than 60 KiB each
		instances := make([]fields, hosts)
		last = ""
		for i := range instances {
			port := step*hosts + i + 1
			instances[i] = instanceAt(port, nil)
			last += fmt.Sprint(port, " ")
		}
		if m := call(t, pub, "BatchInstanceRequest", service("s", fields{"type": "batchRegisterInstance", "instances": instances})); m.Int("resultCode") != 200 {
			t.Fatal(m)
		}
		until(t, seen, last)
	}
	for _, x := range s.Naming().Subscribers(naming.Key{Namespace: "public", Group: "g", Name: "s"}) {
		if quick := x.Client.ID == quick.ConnectionID; !quick && x.InSync {
			t.Errorf("%+v is in sync and has read nothing", x)
		}
	}
	release()
	for n := range slow {
		until(t, told[n], last)
	}
}

// The first thing that a client is told may be large. SDKs of Java never answer the SetupAckRequest before it.
func TestTheFirstPushMayBeLarge(t *testing.T) {
	s := servertest.Start(t)
	sub, told := namingClient(t, s.GRPC, true)
	pub, _ := namingClient(t, s.GRPC, true)
	instances, want := make([]fields, 1000), "" // more than 300 KiB
	for i := range instances {
		instances[i] = instanceAt(i+1, nil)
		want += fmt.Sprint(i+1, " ")
	}
	call(t, pub, "BatchInstanceRequest", service("s", fields{"type": "batchRegisterInstance", "instances": instances}))
	call(t, sub, "SubscribeServiceRequest", service("s", fields{"subscribe": true})) // and told once more
	until(t, told, want)
	call(t, pub, "BatchInstanceRequest", service("s", fields{"type": "batchRegisterInstance", "instances": instances[:1]}))
	until(t, told, "1 ")
}
