/**
 * Connects and disconnects guests' interfaces: with the administrator's script where there is one, with
 * the driver of the NIC mode otherwise.
 */
import { messageOf } from '../kit/failure.ts';
import { bridgedDriver } from './bridged/driver.ts';
import { networkAbout } from './catalog.ts';
import { connectCommunication, disconnectCommunication } from './communication.ts';
import type { NetworkContext, NetworkDriver } from './contract.ts';
import { extDriver } from './ext/driver.ts';
import { openvswitchDriver } from './openvswitch/driver.ts';
import { routedDriver } from './routed/driver.ts';
import { communicationPrefix, findScript, type NicWish, runNicScript } from './script.ts';

const drivers: readonly NetworkDriver[] = [bridgedDriver(), routedDriver(), openvswitchDriver(), extDriver()];

/** @throws Failure OpPrereqError for a mode that isn't in the catalog */
export function networkDriver(mode: string): NetworkDriver {
  const about = networkAbout(mode);
  return drivers.find((driver) => driver.about === about)!;
}

const isCommunication = ({ device }: NicWish) => device.startsWith(communicationPrefix);

/** @throws Failure HypervisorError when the interface can't be connected */
export async function connectNic(context: NetworkContext, wish: NicWish): Promise<void> {
  const driver = networkDriver(wish.nic.mode);
  const script = await findScript(context, driver.about, wish, 'up');
  if (script !== null) await runNicScript(script, driver.about, wish, 'up');
  else if (isCommunication(wish)) await connectCommunication(wish.device, wish.nic);
  else await driver.connect(wish.device, wish.nic);
}

/** Never fails: what can't be taken back is logged, and goes with the interface. */
export async function disconnectNic(context: NetworkContext, wish: NicWish): Promise<void> {
  try {
    const driver = networkDriver(wish.nic.mode);
    const script = await findScript(context, driver.about, wish, 'down');
    if (script !== null) await runNicScript(script, driver.about, wish, 'down');
    else if (isCommunication(wish)) await disconnectCommunication(wish.device, wish.nic);
    else await driver.disconnect(wish.device, wish.nic);
  } catch (error) {
    context.log.warning(
      `Interface ${wish.device} of '${wish.instance}' not disconnected: ${messageOf(error)}`,
    );
  }
}
