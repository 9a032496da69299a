// SPDX-License-Identifier: Apache-2.0

import Jobs
import Postgres
import Synchronization

/// Listens for signals from the first reader on, and hands them to the hub.
///
/// Whenever the listening connection is made, made again included, readers are told to look at
/// everything: signals may have been missed until then.
final class SignalListening: Sendable {
    private struct State {
        var listener: PostgresListener?
        var isClosed = false
    }

    private let configuration: PostgresConfiguration
    private let hub: SignalHub
    private let state = Mutex(State())

    init(_ configuration: PostgresConfiguration, hub: SignalHub) {
        self.configuration = configuration
        self.hub = hub
    }

    /// Starts to listen, once.
    func start() {
        state.withLock { state in
            guard state.listener == nil, !state.isClosed else { return }
            let channels = SignalChannel.allCases.map(\.rawValue)
            state.listener = PostgresListener(configuration, channels: channels) { [hub] event in
                switch event {
                case .connected: hub.send([.resync])
                case .notification(let channel, let payload):
                    hub.send([SignalChannel.signal(channel: channel, payload: payload)])
                // Readers poll until it is back.
                case .disconnected: break
                }
            }
        }
    }

    /// Stops for good.
    func close() async {
        let listener = state.withLock { state in
            state.isClosed = true
            return state.listener.take()
        }
        await listener?.close()
    }
}
